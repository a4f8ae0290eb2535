-- +goose Up
-- What the first releases on SQLite came to step by step: both engines have the
-- same tables, columns and indexes after the same number.
CREATE TABLE workspaces (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    -- Sites whose pages may show our player in a frame, as a JSON list of origins.
    embed_origins TEXT NOT NULL DEFAULT '[]',
    -- Bounds; 0 means none.
    quota_bytes BIGINT NOT NULL DEFAULT 0,
    max_upload_bytes BIGINT NOT NULL DEFAULT 0,
    max_length_us BIGINT NOT NULL DEFAULT 0,
    retention_days BIGINT NOT NULL DEFAULT 0,
    trash_days BIGINT NOT NULL DEFAULT 30,
    used_bytes BIGINT NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE instance (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    grant_key BYTEA NOT NULL,
    setup_hash BYTEA,
    created_at TIMESTAMPTZ NOT NULL,
    -- The workspace that was made with the server: whoever comes by another service joins it.
    workspace_id TEXT
);

CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    -- operator: may look after the server as a whole.
    operator BOOLEAN NOT NULL DEFAULT FALSE,
    -- The workspace that the account works in now.
    workspace_id TEXT REFERENCES workspaces (id) ON DELETE SET NULL,
    verified_at TIMESTAMPTZ,
    disabled_at TIMESTAMPTZ,
    -- Grows when the account loses rights: media grants of before are void.
    epoch BIGINT NOT NULL DEFAULT 0,
    epoch_at TIMESTAMPTZ
);

CREATE TABLE sessions (
    hash BYTEA PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL DEFAULT '',
    agent TEXT NOT NULL DEFAULT '',
    address TEXT NOT NULL DEFAULT '',
    seen_at TIMESTAMPTZ,
    -- How somebody signed in: password, passkey, oidc, link, each with +totp.
    method TEXT NOT NULL DEFAULT '',
    -- When its holder last proved who it is: what changes who can sign in asks for that.
    proved_at TIMESTAMPTZ
);
CREATE INDEX sessions_by_account ON sessions (account_id);
CREATE UNIQUE INDEX sessions_by_id ON sessions (id);

CREATE TABLE api_tokens (
    id TEXT PRIMARY KEY,
    hash BYTEA NOT NULL UNIQUE,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('read', 'write', 'admin')),
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ,
    used_at TIMESTAMPTZ
);

CREATE TABLE invitations (
    id TEXT PRIMARY KEY,
    hash BYTEA NOT NULL UNIQUE,
    email TEXT NOT NULL,
    inviter_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    workspace_id TEXT REFERENCES workspaces (id) ON DELETE CASCADE,
    role TEXT NOT NULL DEFAULT 'member',
    -- The token of the letter: it proves the address, which a copied link does not.
    mail_hash BYTEA
);
CREATE UNIQUE INDEX invitations_by_mail ON invitations (mail_hash);

CREATE TABLE videos (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    owner_id TEXT NOT NULL REFERENCES accounts (id),
    title TEXT NOT NULL,
    title_folded TEXT NOT NULL,
    guests_may_comment BOOLEAN NOT NULL DEFAULT FALSE,
    state TEXT NOT NULL CHECK (state IN ('recording', 'processing', 'ready', 'failed')),
    reason TEXT NOT NULL DEFAULT '',
    mime TEXT NOT NULL DEFAULT '',
    format TEXT NOT NULL DEFAULT '',
    layout TEXT NOT NULL DEFAULT '',
    header BYTEA,
    size BIGINT NOT NULL DEFAULT 0,
    duration_us BIGINT NOT NULL DEFAULT 0,
    width BIGINT NOT NULL DEFAULT 0,
    height BIGINT NOT NULL DEFAULT 0,
    has_audio BOOLEAN NOT NULL DEFAULT FALSE,
    has_video BOOLEAN NOT NULL DEFAULT FALSE,
    web_safe BOOLEAN NOT NULL DEFAULT FALSE,
    take BIGINT NOT NULL DEFAULT 0,
    spans BIGINT NOT NULL DEFAULT 0,
    spans_done BIGINT NOT NULL DEFAULT 0,
    audio_done BOOLEAN NOT NULL DEFAULT FALSE,
    stills TEXT NOT NULL DEFAULT '{}',
    views BIGINT NOT NULL DEFAULT 0,
    comments BIGINT NOT NULL DEFAULT 0,
    comments_version BIGINT NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    trashed_at TIMESTAMPTZ,
    workspace_id TEXT REFERENCES workspaces (id),
    visibility TEXT NOT NULL DEFAULT 'private' CHECK (visibility IN ('private', 'people', 'workspace', 'link')),
    guests_may_download BOOLEAN NOT NULL DEFAULT TRUE,
    -- Grows when somebody loses access: media grants of before are void.
    epoch BIGINT NOT NULL DEFAULT 0,
    epoch_at TIMESTAMPTZ,
    -- What its objects hold in bytes, counted in the workspace too.
    stored_bytes BIGINT NOT NULL DEFAULT 0,
    -- Why its upload was ended before its end: a bound of the workspace, or ''.
    stopped TEXT NOT NULL DEFAULT '',
    -- When it was last watched; retention counts from there. Whoever looks after it
    -- may keep it for ever.
    viewed_at TIMESTAMPTZ,
    kept BOOLEAN NOT NULL DEFAULT FALSE,
    -- When its owner was told that retention will remove it, and when it will.
    warned_at TIMESTAMPTZ,
    removal_at TIMESTAMPTZ
);
CREATE INDEX videos_newest ON videos (created_at DESC, id DESC) WHERE trashed_at IS NULL;
CREATE INDEX videos_by_owner ON videos (owner_id, created_at DESC, id DESC);
CREATE INDEX videos_trashed ON videos (trashed_at) WHERE trashed_at IS NOT NULL;
CREATE INDEX videos_removal ON videos (removal_at) WHERE removal_at IS NOT NULL;
CREATE INDEX videos_by_workspace ON videos (workspace_id, created_at DESC, id DESC) WHERE trashed_at IS NULL;
CREATE INDEX videos_epoch ON videos (epoch_at) WHERE epoch_at IS NOT NULL;

CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    video_id TEXT NOT NULL UNIQUE REFERENCES videos (id) ON DELETE CASCADE,
    received BIGINT NOT NULL DEFAULT 0,
    length BIGINT,
    metadata TEXT NOT NULL DEFAULT '{}',
    state TEXT NOT NULL CHECK (state IN ('open', 'quiet', 'finished')),
    checkpoint TEXT NOT NULL DEFAULT '{}',
    created_at TIMESTAMPTZ NOT NULL,
    touched_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX uploads_unfinished ON uploads (touched_at) WHERE state <> 'finished';

CREATE TABLE parts (
    video_id TEXT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    start BIGINT NOT NULL,
    length BIGINT NOT NULL,
    object_key TEXT NOT NULL,
    PRIMARY KEY (video_id, start)
);

CREATE TABLE fragments (
    video_id TEXT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    n BIGINT NOT NULL,
    start BIGINT NOT NULL,
    length BIGINT NOT NULL,
    start_us BIGINT NOT NULL,
    duration_us BIGINT NOT NULL,
    samples BYTEA,
    PRIMARY KEY (video_id, n)
);

CREATE TABLE spans (
    video_id TEXT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    n BIGINT NOT NULL,
    first_fragment BIGINT NOT NULL,
    fragments BIGINT NOT NULL,
    start_us BIGINT NOT NULL,
    end_us BIGINT NOT NULL,
    done BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (video_id, n)
);

-- A rung of one span, or a whole audio rendition (span = -1).
CREATE TABLE tracks (
    video_id TEXT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    span BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('video', 'audio')),
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    frame_rate DOUBLE PRECISION NOT NULL,
    codecs TEXT NOT NULL,
    bandwidth BIGINT NOT NULL,
    average_bandwidth BIGINT NOT NULL,
    object_key TEXT NOT NULL,
    init_length BIGINT NOT NULL,
    size BIGINT NOT NULL,
    header BYTEA,
    segments TEXT NOT NULL,
    PRIMARY KEY (video_id, name, span)
);

CREATE TABLE comments (
    id TEXT PRIMARY KEY,
    video_id TEXT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    parent_id TEXT REFERENCES comments (id) ON DELETE CASCADE,
    author_id TEXT REFERENCES accounts (id),
    guest_name TEXT NOT NULL DEFAULT '',
    guest_hash BYTEA,
    at_us BIGINT NOT NULL,
    body TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    edited_at TIMESTAMPTZ,
    resolved_at TIMESTAMPTZ,
    version BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX comments_by_video ON comments (video_id, at_us, created_at);
CREATE INDEX comments_changed ON comments (video_id, version);
CREATE INDEX comments_by_author ON comments (author_id);
CREATE INDEX comments_by_parent ON comments (parent_id);

CREATE TABLE views (
    video_id TEXT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    viewer TEXT NOT NULL,
    first_at TIMESTAMPTZ NOT NULL,
    last_at TIMESTAMPTZ NOT NULL,
    watched_us BIGINT NOT NULL DEFAULT 0,
    position_us BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (video_id, viewer)
);

-- Objects whose rows are gone, to be deleted after the commit that dropped them.
CREATE TABLE garbage (
    object_prefix TEXT PRIMARY KEY,
    due_at TIMESTAMPTZ NOT NULL
);

-- +goose Down
DROP TABLE garbage, views, comments, tracks, spans, fragments, parts, uploads, videos,
    invitations, api_tokens, sessions, accounts, instance, workspaces;
