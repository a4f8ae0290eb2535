import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import { addMark, forgetTake, marksOf, openDatabase, type TakeRecord } from './database';
import { IdbSpool } from './idb';
import { MemorySpool, SpillingSpool, type Spool } from './spool';

const bytes = (text: string) => new TextEncoder().encode(text).buffer;

const take = (id: string): TakeRecord => ({
  id,
  title: 't',
  mime: 'video/mp4',
  backend: 'idb',
  startedAt: 1,
  bytes: 0,
  durationMs: 0,
  state: 'recording',
  videoId: null,
  slug: null,
  uploadUrl: null,
  watchUrl: null,
});

async function idb(): Promise<Spool> {
  return IdbSpool.open(await openDatabase(crypto.randomUUID()), 'take');
}

describe.each([
  ['memory', () => Promise.resolve<Spool>(new MemorySpool())],
  ['IndexedDB', idb],
])('%s spool', (_name, open) => {
  it('reads back any range of what was appended', async () => {
    const spool = await open();
    for (const part of ['abc', 'd', 'efgh']) await spool.append(bytes(part));
    expect(spool.size).toBe(8);
    const whole = 'abcdefgh';
    for (let start = 0; start <= 8; start++) {
      for (let end = start; end <= 9; end++) {
        expect(await (await spool.read(start, end)).text()).toBe(whole.slice(start, end));
      }
    }
  });
});

it('IndexedDB keeps takes apart and goes on where it was', async () => {
  const db = await openDatabase(crypto.randomUUID());
  await (await IdbSpool.open(db, 'a')).append(bytes('one'));
  await (await IdbSpool.open(db, 'b')).append(bytes('other'));
  const again = await IdbSpool.open(db, 'a');
  expect(again.size).toBe(3);
  await again.append(bytes('two'));
  expect(await (await again.read(0, 9)).text()).toBe('onetwo');
  await addMark(db, take('a'), { end: 3, ms: 2000 });
  await addMark(db, take('a'), { end: 6, ms: 4000 });
  expect(await marksOf(db, 'a')).toEqual([
    { end: 3, ms: 2000 },
    { end: 6, ms: 4000 },
  ]);
  expect(await db.get('takes', 'a')).toMatchObject({ bytes: 6, durationMs: 4000 });
  await forgetTake(db, 'a');
  expect((await IdbSpool.open(db, 'a')).size).toBe(0);
  expect((await IdbSpool.open(db, 'b')).size).toBe(5);
});

it('goes on in memory when the disk is full, and says so once', async () => {
  const disk = new MemorySpool();
  let full = false;
  const append = disk.append.bind(disk);
  disk.append = (b) =>
    full ? Promise.reject(new DOMException('full', 'QuotaExceededError')) : append(b);
  const told: unknown[] = [];
  const spool = new SpillingSpool(disk, (cause) => told.push(cause));
  await spool.append(bytes('on disk,'));
  full = true;
  await spool.append(bytes('in memory,'));
  full = false;
  await spool.append(bytes('still'));
  expect(told).toHaveLength(1);
  expect(spool.durable).toBe(false);
  expect(spool.size).toBe(23);
  expect(await (await spool.read(0, 99)).text()).toBe('on disk,in memory,still');
  expect(await (await spool.read(3, 12)).text()).toBe('disk,in m');
  expect(await (await spool.read(10, 12)).text()).toBe(' m');
});
