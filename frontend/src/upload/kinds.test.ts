import { expect, it } from 'vitest';
import { fingerprint, refusal, titleOf } from './kinds';
import { summary } from './UploadPanel';
import type { UploadItem } from './store';

it.each([
  ['talk.mp4', 'video/mp4', 1, true],
  ['talk.MKV', '', 1, true],
  ['talk.avi', '', 1, true],
  ['talk.mov', 'video/quicktime', 1, true],
  ['voice.m4a', 'audio/mp4', 1, true],
  ['notes.pdf', 'application/pdf', 1, false],
  ['empty.mp4', 'video/mp4', 0, false],
])('%s', (name, type, size, fine) => {
  expect(refusal({ name, type, size }) === null).toBe(fine);
});

it('names and recognises files', () => {
  expect(titleOf('Monday stand-up.mp4')).toBe('Monday stand-up');
  expect(titleOf('.mp4')).toBe('.mp4');
  expect(fingerprint({ name: 'a', size: 1, lastModified: 2 })).toBe('a:1:2');
});

it('sums up in one line', () => {
  const item = (state: UploadItem['state'], sent = 0): UploadItem => ({
    id: state,
    name: 'n',
    size: 100,
    sent,
    state,
    message: null,
    slug: null,
    reopenable: false,
  });
  expect(summary([item('sending', 50), item('queued')])).toBe('Uploading 2 files, 25 %');
  expect(summary([item('failed')])).toBe('1 file not uploaded');
  expect(summary([item('paused')])).toBe('1 upload waiting');
  expect(summary([item('done', 100)])).toBe('1 file uploaded');
});
