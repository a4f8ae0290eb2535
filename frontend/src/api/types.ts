/** What the server says, in its own names (snake_case) and units (`_ms`, `_bytes`, RFC 3339). */

export type Account = {
  id: string;
  name: string;
  email: string;
  role: 'owner' | 'member';
  created_at: string;
};

export type Session = {
  account: Account | null;
  setup_needed: boolean;
  version: string;
};

export type VideoState = 'recording' | 'processing' | 'ready' | 'failed';
export type Visibility = 'private' | 'members' | 'link';
export type VideoFilter = 'mine' | 'all' | 'trash';

/** Root-relative URLs below a grant that lapses at `expires_at`; null where there is nothing yet. */
export type Playback = {
  hls: string | null;
  progressive: string | null;
  prefer: 'hls' | 'progressive';
  live: boolean;
  poster: string | null;
  storyboard: string | null;
  preview: string | null;
  download: string | null;
  expires_at: string;
};

export type Video = {
  id: string;
  slug: string;
  title: string;
  state: VideoState;
  /** Why it failed, a sentence for the owner. */
  reason?: string | null;
  progress: number;
  duration_ms: number;
  saved_ms: number;
  size_bytes: number;
  width: number;
  height: number;
  visibility: Visibility;
  guests_may_comment: boolean;
  owner: { id: string; name: string };
  created_at: string;
  trashed_at?: string | null;
  views: number;
  comments: number;
  watch_url: string;
  /** Only for the owner, and only while the upload is open. */
  upload_url?: string | null;
  may: { edit: boolean; comment: boolean; download: boolean };
  playback: Playback;
};

export type NewVideo = {
  id: string;
  slug: string;
  watch_url: string;
  upload_url: string;
};

export type Page<T> = { items: T[]; next_cursor: string | null };

export type Comment = {
  id: string;
  video_id: string;
  parent_id: string | null;
  at_ms: number;
  body: string;
  author: { id: string | null; name: string; guest: boolean };
  created_at: string;
  edited_at?: string | null;
  resolved_at?: string | null;
  may: { edit: boolean; delete: boolean; resolve: boolean };
};

export type Invitation = {
  id: string;
  url: string;
  email: string | null;
  expires_at: string;
  created_at: string;
};

export type ApiToken = {
  id: string;
  name: string;
  scope: string;
  created_at: string;
  last_used_at?: string | null;
  /** Only in the answer that created it. */
  token?: string;
};
