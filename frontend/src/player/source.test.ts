import { describe, expect, it } from 'vitest';
import { parseMaster, rungOf } from './master';
import type { Playable, PlaybackUrls } from './model';
import { nextStep, pickSource } from './source';

function video(state: Playable['state'], urls: Partial<PlaybackUrls>): Playable {
  return {
    id: 'v',
    state,
    duration_ms: 1000,
    width: 1920,
    height: 1080,
    playback: {
      hls: null,
      progressive: null,
      prefer: 'hls',
      live: false,
      poster: null,
      storyboard: null,
      ...urls,
    },
  };
}

const HLS = '/media/G1/v/master.m3u8';
const FILE = '/media/G1/v/progressive';

describe('pickSource', () => {
  it('follows what the server prefers', () => {
    const both = { hls: HLS, progressive: FILE };
    expect(pickSource(video('ready', { ...both, prefer: 'hls' }), 'auto')?.url).toBe(HLS);
    expect(pickSource(video('ready', { ...both, prefer: 'progressive' }), 'auto')?.url).toBe(FILE);
    expect(pickSource(video('ready', { progressive: FILE }), 'auto')?.url).toBe(FILE);
    expect(pickSource(video('ready', { hls: HLS, prefer: 'progressive' }), 'auto')?.url).toBe(HLS);
    expect(pickSource(video('processing', {}), 'auto')).toBeNull();
  });
  it('takes the stream for a rung and the file for the original', () => {
    const v = video('ready', { hls: HLS, progressive: FILE, prefer: 'progressive' });
    expect(pickSource(v, '720p')).toMatchObject({ kind: 'hls', rung: '720p' });
    expect(pickSource(v, 'source')).toMatchObject({ kind: 'progressive' });
    expect(pickSource(video('ready', { hls: HLS }), 'source')).toMatchObject({ rung: 'source' });
  });
});

describe('nextStep', () => {
  const step = (before: Playable, after: Playable) =>
    nextStep(pickSource(before, 'auto'), pickSource(after, 'auto'), after);

  it('attaches when the first source appears', () => {
    expect(step(video('processing', {}), video('processing', { hls: HLS }))).toBe('attach');
    expect(step(video('processing', {}), video('processing', {}))).toBe('keep');
  });
  it('keeps what plays when only the grant is new', () => {
    const renewed = video('ready', { hls: '/media/G2/v/master.m3u8' });
    expect(step(video('ready', { hls: HLS }), renewed)).toBe('keep');
  });
  it('keeps the stream when a recording ends, even if a file is preferred now', () => {
    const live = video('recording', { hls: HLS, live: true });
    expect(step(live, video('processing', { hls: HLS }))).toBe('keep');
    const ended = video('processing', { hls: HLS, progressive: FILE, prefer: 'progressive' });
    expect(step(live, ended)).toBe('keep');
  });
  it('goes to the file when the viewer asks for the original', () => {
    const v = video('ready', { hls: HLS, progressive: FILE, prefer: 'progressive' });
    expect(nextStep(pickSource(v, '720p'), pickSource(v, 'source'), v)).toBe('swap');
    expect(nextStep(pickSource(v, '720p'), pickSource(v, 'auto'), v)).toBe('keep');
    expect(nextStep(pickSource(v, 'source'), pickSource(v, '720p'), v)).toBe('swap');
  });
  it('leaves a stream that is gone', () => {
    const live = video('recording', { hls: HLS, live: true });
    expect(step(live, video('processing', { progressive: FILE }))).toBe('swap');
  });
  it('swaps to the ladder once it is done', () => {
    expect(step(video('processing', { hls: HLS }), video('ready', { hls: HLS }))).toBe('swap');
    expect(step(video('processing', { progressive: FILE }), video('ready', { hls: HLS }))).toBe(
      'swap',
    );
  });
  it('never leaves a source for none', () => {
    expect(step(video('ready', { hls: HLS }), video('failed', {}))).toBe('keep');
  });
});

describe('parseMaster', () => {
  it('lists rungs, best first, the original on top', () => {
    const text = `#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Sound",URI="audio.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=854x480,AUDIO="a"
480p.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=3,RESOLUTION=1920x1080,AUDIO="a"
1080p.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=5,RESOLUTION=1920x1080
source.m3u8
`;
    expect(parseMaster(text).map((q) => q.label)).toEqual(['Original (1080p)', '1080p', '480p']);
  });
  it('names rungs by their playlist', () => {
    expect(rungOf('/media/g/v/720p.m3u8?a=/b')).toBe('720p');
  });
});
