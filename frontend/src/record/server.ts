/** The recorder's words with the server, apart from the bytes themselves. */
import { videos } from '@/api/videos';
import type { Mode } from './machine';
import type { TakeRecord } from './spool/database';
import type { Target } from './uplink/uplink';

/** Makes the video: from now on there is a link, and an upload that waits for bytes. */
export async function createVideo(take: TakeRecord): Promise<Target> {
  const made = await videos.create({ title: take.title, mime: take.mime });
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
