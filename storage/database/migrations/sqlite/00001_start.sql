-- +goose Up
CREATE TABLE instance (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    grant_key BLOB NOT NULL,
    setup_hash BLOB,
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('owner', 'member')),
    password_hash TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE sessions (
    hash BLOB PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account_id);

CREATE TABLE api_tokens (
    id TEXT PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('read', 'write', 'admin')),
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE invitations (
    id TEXT PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    email TEXT NOT NULL,
    inviter_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL
);

CREATE TABLE videos (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    owner_id TEXT NOT NULL REFERENCES accounts (id),
    title TEXT NOT NULL,
    title_folded TEXT NOT NULL,
    visibility TEXT NOT NULL CHECK (visibility IN ('private', 'members', 'link')),
    guests_may_comment BOOLEAN NOT NULL DEFAULT FALSE,
    state TEXT NOT NULL CHECK (state IN ('recording', 'processing', 'ready', 'failed')),
    reason TEXT NOT NULL DEFAULT '',
    mime TEXT NOT NULL DEFAULT '',
    format TEXT NOT NULL DEFAULT '',
    layout TEXT NOT NULL DEFAULT '',
    header BLOB,
    size BIGINT NOT NULL DEFAULT 0,
    duration_us BIGINT NOT NULL DEFAULT 0,
    width INTEGER NOT NULL DEFAULT 0,
    height INTEGER NOT NULL DEFAULT 0,
    has_audio BOOLEAN NOT NULL DEFAULT FALSE,
    has_video BOOLEAN NOT NULL DEFAULT FALSE,
    web_safe BOOLEAN NOT NULL DEFAULT FALSE,
    take INTEGER NOT NULL DEFAULT 0,
    spans INTEGER NOT NULL DEFAULT 0,
    spans_done INTEGER NOT NULL DEFAULT 0,
    audio_done BOOLEAN NOT NULL DEFAULT FALSE,
    stills TEXT NOT NULL DEFAULT '{}',
    views INTEGER NOT NULL DEFAULT 0,
    comments INTEGER NOT NULL DEFAULT 0,
    comments_version INTEGER NOT NULL DEFAULT 0,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    trashed_at TIMESTAMP
);
CREATE INDEX videos_newest ON videos (created_at DESC, id DESC) WHERE trashed_at IS NULL;
CREATE INDEX videos_by_owner ON videos (owner_id, created_at DESC, id DESC);
CREATE INDEX videos_trashed ON videos (trashed_at) WHERE trashed_at IS NOT NULL;

CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    video_id TEXT NOT NULL UNIQUE REFERENCES videos (id) ON DELETE CASCADE,
    received BIGINT NOT NULL DEFAULT 0,
    length BIGINT,
    metadata TEXT NOT NULL DEFAULT '{}',
    state TEXT NOT NULL CHECK (state IN ('open', 'quiet', 'finished')),
    checkpoint TEXT NOT NULL DEFAULT '{}',
    created_at TIMESTAMP NOT NULL,
    touched_at TIMESTAMP NOT NULL
);
CREATE INDEX uploads_unfinished ON uploads (touched_at) WHERE state <> 'finished';

CREATE TABLE parts (
    video_id TEXT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    start BIGINT NOT NULL,
    length BIGINT NOT NULL,
    object_key TEXT NOT NULL,
    PRIMARY KEY (video_id, start)
) WITHOUT ROWID;

CREATE TABLE fragments (
    video_id TEXT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    start BIGINT NOT NULL,
    length BIGINT NOT NULL,
    start_us BIGINT NOT NULL,
    duration_us BIGINT NOT NULL,
    samples BLOB,
    PRIMARY KEY (video_id, n)
) WITHOUT ROWID;

CREATE TABLE spans (
    video_id TEXT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    first_fragment INTEGER NOT NULL,
    fragments INTEGER NOT NULL,
    start_us BIGINT NOT NULL,
    end_us BIGINT NOT NULL,
    done BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (video_id, n)
) WITHOUT ROWID;

-- A rung of one span, or a whole audio rendition (span = -1).
CREATE TABLE tracks (
    video_id TEXT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    span INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('video', 'audio')),
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    frame_rate REAL NOT NULL,
    codecs TEXT NOT NULL,
    bandwidth BIGINT NOT NULL,
    average_bandwidth BIGINT NOT NULL,
    object_key TEXT NOT NULL,
    init_length BIGINT NOT NULL,
    size BIGINT NOT NULL,
    header BLOB,
    segments TEXT NOT NULL,
    PRIMARY KEY (video_id, name, span)
) WITHOUT ROWID;

CREATE TABLE comments (
    id TEXT PRIMARY KEY,
    video_id TEXT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    parent_id TEXT REFERENCES comments (id) ON DELETE CASCADE,
    author_id TEXT REFERENCES accounts (id),
    guest_name TEXT NOT NULL DEFAULT '',
    guest_hash BLOB,
    at_us BIGINT NOT NULL,
    body TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    edited_at TIMESTAMP,
    resolved_at TIMESTAMP,
    version INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX comments_by_video ON comments (video_id, at_us, created_at);
CREATE INDEX comments_changed ON comments (video_id, version);
CREATE INDEX comments_by_author ON comments (author_id);
CREATE INDEX comments_by_parent ON comments (parent_id);

CREATE TABLE views (
    video_id TEXT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    viewer TEXT NOT NULL,
    first_at TIMESTAMP NOT NULL,
    last_at TIMESTAMP NOT NULL,
    watched_us BIGINT NOT NULL DEFAULT 0,
    position_us BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (video_id, viewer)
) WITHOUT ROWID;

-- Objects whose rows are gone, to be deleted after the commit that dropped them.
CREATE TABLE garbage (
    object_prefix TEXT PRIMARY KEY,
    due_at TIMESTAMP NOT NULL
) WITHOUT ROWID;

-- +goose Down
DROP TABLE garbage;
DROP TABLE views;
DROP TABLE comments;
DROP TABLE tracks;
DROP TABLE spans;
DROP TABLE fragments;
DROP TABLE parts;
DROP TABLE uploads;
DROP TABLE videos;
DROP TABLE invitations;
DROP TABLE api_tokens;
DROP TABLE sessions;
DROP TABLE accounts;
DROP TABLE instance;
