/** Takes that a killed tab left behind: list them, finish them from where the server is, download or throw away. */
import { extension } from './format';
import { createVideo } from './server';
import { holdTake } from './spool/locks';
import type { TakeRecord } from './spool/database';
import type { LeftTake, Takes } from './spool/takes';
import { Uplink, type Target, type UplinkView } from './uplink/uplink';

/** How finishing ended. */
export type Outcome = 'complete' | 'refused' | 'busy' | 'empty';

/** The server's side of a take, if it has one. */
function targetOf(take: TakeRecord): Target | null {
  const { videoId, slug, uploadUrl, watchUrl } = take;
  return videoId && slug && uploadUrl && watchUrl ? { videoId, slug, uploadUrl, watchUrl } : null;
}

/**
 * Sends the rest of a take and declares its length. The local copy is removed only when the server has confirmed it
 * all; `anew` sends the whole of it as a new video, for when the server no longer takes the old one.
 */
export async function finishTake(
  takes: Takes,
  left: LeftTake,
  onChange: (view: UplinkView) => void,
  anew = false,
): Promise<Outcome> {
  const release = await holdTake(left.id);
  if (!release) return 'busy';
  try {
    const bytes = await takes.bytesOf(left);
    if (!bytes?.size) return 'empty';
    const record: TakeRecord & { marks?: unknown } = { ...left };
    delete record.marks;
    const uplink = new Uplink({
      bytes: { size: bytes.size, read: (start, end) => Promise.resolve(bytes.slice(start, end)) },
      target: anew ? null : targetOf(left),
      create: async (key) => {
        const target = await createVideo(left, key);
        await takes.save({ ...record, ...target });
        Object.assign(left, target);
        return target;
      },
      onChange,
    });
    uplink.source.finish();
    if (!(await uplink.run())) return 'refused';
    await takes.remove(left);
    return 'complete';
  } finally {
    release();
  }
}

/** Throws the local copy away. What the server already has stays in the library. */
export async function discardTake(takes: Takes, left: LeftTake): Promise<void> {
  const release = await holdTake(left.id);
  if (!release) return;
  try {
    await takes.remove(left);
  } finally {
    release();
  }
}

/** A file name the person will recognise, without characters that file systems refuse. */
export function fileName(title: string, mime: string): string {
  const safe = title
    .replace(/[\p{Cc}\\/:*?"<>|]+/gu, '-')
    .trim()
    .slice(0, 120);
  return `${safe || 'Recording'}.${extension(mime)}`;
}

/** Hands bytes to the browser's downloads. */
export function download(bytes: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(bytes);
  link.download = name;
  link.click();
  // The browser reads the blob after the click; a minute is ample for it to have begun.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
