/** The recorder's words with the server, apart from the bytes themselves. */
import { ApiError } from '@/api/errors';
import { videos } from '@/api/videos';
import type { Mode } from './machine';
import type { TakeRecord } from './spool/database';
import type { Target } from './uplink/uplink';

/** Makes the video, once for a key: from now on there is a link, and an upload that waits for bytes. */
export async function createVideo(take: TakeRecord, key: string): Promise<Target> {
  const wanted = { title: take.title, mime: take.mime };
  const made = await videos.create(wanted, key).catch((error: unknown) => {
    // Renamed since an attempt whose answer was lost.
    if (error instanceof ApiError && error.code === 'key_used') return videos.create(wanted);
    throw error;
  });
  return {
    videoId: made.id,
    slug: made.slug,
    uploadUrl: made.upload_url,
    watchUrl: made.watch_url,
  };
}

/** A name for a take nobody named: what and when. */
export function defaultTitle(mode: Mode): string {
  const when = new Date().toLocaleString(undefined, { dateStyle: 'long', timeStyle: 'short' });
  return `${mode === 'camera' ? 'Camera' : 'Screen'} recording, ${when}`;
}
