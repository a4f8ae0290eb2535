import { holdPass } from './pass';
import { request } from './request';
import type { Comment, NewVideo, Page, Video, VideoFilter, Visibility } from './types';

const at = (id: string, rest = '') => `/api/videos/${encodeURIComponent(id)}${rest}`;

export type VideoQuery = { q?: string; filter?: VideoFilter; cursor?: string; limit?: number };

export const videos = {
  list: (query: VideoQuery, signal?: AbortSignal) =>
    request<Page<Video>>('/api/videos', { query, signal }),
  get: async (id: string, signal?: AbortSignal) => {
    const video = await request<Video>(at(id), { signal });
    holdPass(video.pass);
    return video;
  },
  /** Makes the record and its open upload, once for a key; the link is good from now on. */
  create: (body: { title?: string; mime?: string; visibility?: Visibility }, key?: string) =>
    request<NewVideo>('/api/videos', { method: 'POST', body, key }),
  update: (
    id: string,
    body: {
      title?: string;
      visibility?: Visibility;
      guests_may_comment?: boolean;
      guests_may_download?: boolean;
      kept?: boolean;
    },
  ) => request<Video>(at(id), { method: 'PATCH', body }),
  trash: (id: string) => request<void>(at(id), { method: 'DELETE' }),
  /** For a video that lies in the trash: it and all that belongs to it is gone. */
  remove: (id: string) => request<void>(at(id), { method: 'DELETE' }),
  restore: (id: string) => request<Video>(at(id, '/restore'), { method: 'POST' }),
  retry: (id: string) => request<Video>(at(id, '/retry'), { method: 'POST' }),
  /** Ends an upload nobody will continue: what arrived becomes the video. */
  finish: (id: string) => request<Video>(at(id, '/finish'), { method: 'POST' }),
  view: (id: string, body: { position_ms: number; watched_ms: number; first?: boolean }) =>
    request<void>(at(id, '/views'), { method: 'POST', body, keepalive: true }),
};

export type NewComment = {
  at_ms: number;
  body: string;
  parent_id?: string;
  /** Needed from somebody who is not signed in. */
  guest_name?: string;
};

export const comments = {
  list: (videoId: string, signal?: AbortSignal) =>
    request<{ items: Comment[] }>(at(videoId, '/comments'), { signal }),
  /** Says something, once for a key. */
  create: (videoId: string, body: NewComment, key?: string) =>
    request<Comment>(at(videoId, '/comments'), { method: 'POST', body, key }),
  update: (id: string, body: { body?: string; resolved?: boolean }) =>
    request<Comment>(`/api/comments/${encodeURIComponent(id)}`, { method: 'PATCH', body }),
  remove: (id: string) =>
    request<void>(`/api/comments/${encodeURIComponent(id)}`, { method: 'DELETE' }),
};
