/**
 * The server's own names for what it sends, taken from its OpenAPI description (`npm run generate`): snake_case, units in
 * the name (`_ms`, `_bytes`), moments in RFC 3339, media URLs below a grant that lapses at `expires_at`.
 */
import type { components } from './schema';

type Schemas = components['schemas'];

export type Account = Schemas['Account'];
export type Session = Schemas['Session'];
export type Video = Schemas['Video'];
export type Playback = Schemas['Playback'];
export type NewVideo = Schemas['Created'];
export type Comment = Schemas['Comment'];
export type Invitation = Schemas['Invitation'];
export type ApiToken = Schemas['APIToken'];
/** The answer that made a token, the only one that holds it. */
export type NewApiToken = Schemas['NewAPIToken'];

export type VideoState = Video['state'];
export type Visibility = Video['visibility'];
export type VideoFilter = 'mine' | 'all' | 'shared' | 'trash';

export type Page<T> = { items: T[]; next_cursor: string | null };
