import { holdPass } from './pass';
import { request } from './request';
import type { Video } from './types';

/** Comes in by a share link that asks for something first: a password, or only whether one wants to. */
export async function openLink(slug: string, password: string): Promise<Video> {
  const { video, pass } = await request<{ video: Video; pass: string | null }>(
    `/api/links/${encodeURIComponent(slug)}/open`,
    { method: 'POST', body: password === '' ? {} : { password } },
  );
  holdPass(pass);
  return video;
}
