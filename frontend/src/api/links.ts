import { request } from './request';
import { holdPass } from './pass';
import type { Video } from './types';
import { videos } from './videos';

/** Opens a share link that asks for something first, and reads the video that it leads to. */
export async function openLink(slug: string, password: string): Promise<Video> {
  const opened = await request<{ pass: string; video_id: string }>(
    `/api/links/${encodeURIComponent(slug)}/open`,
    { method: 'POST', body: { password } },
  );
  holdPass(opened.pass);
  return videos.get(opened.video_id);
}
