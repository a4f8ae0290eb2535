-- +goose Up
CREATE TABLE memberships (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, account_id)
);
CREATE INDEX memberships_by_account ON memberships (account_id);

-- Links sent by mail, for one use: to sign in, to prove an address.
CREATE TABLE one_time_links (
    hash BYTEA PRIMARY KEY,
    purpose TEXT NOT NULL,
    email TEXT NOT NULL,
    account_id TEXT REFERENCES accounts (id) ON DELETE CASCADE,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX one_time_links_by_email ON one_time_links (email, purpose);

-- What a sign-in that takes several steps must remember between them.
CREATE TABLE ceremonies (
    hash BYTEA PRIMARY KEY,
    kind TEXT NOT NULL,
    account_id TEXT REFERENCES accounts (id) ON DELETE CASCADE,
    data TEXT NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX ceremonies_lapsed ON ceremonies (expires_at);
CREATE INDEX ceremonies_by_account ON ceremonies (account_id);
CREATE INDEX one_time_links_by_account ON one_time_links (account_id);

CREATE TABLE identities (
    id TEXT NOT NULL UNIQUE,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_by_account ON identities (account_id);

CREATE TABLE passkeys (
    id BYTEA PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    credential TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ
);
CREATE INDEX passkeys_by_account ON passkeys (account_id);

CREATE TABLE second_factors (
    account_id TEXT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    secret BYTEA NOT NULL,
    confirmed_at TIMESTAMPTZ,
    -- The last time step that was used: a code counts once.
    last_step BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE recovery_codes (
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    hash BYTEA NOT NULL,
    PRIMARY KEY (account_id, hash)
);

-- People who were named for one video, by account or by address.
CREATE TABLE video_people (
    id TEXT NOT NULL UNIQUE,
    video_id TEXT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    -- Whose address it is, once somebody has proved that.
    account_id TEXT REFERENCES accounts (id) ON DELETE CASCADE,
    may_comment BOOLEAN NOT NULL,
    may_download BOOLEAN NOT NULL,
    named_by TEXT REFERENCES accounts (id) ON DELETE SET NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (video_id, email)
);
CREATE UNIQUE INDEX video_people_by_account ON video_people (account_id, video_id);
CREATE INDEX video_people_by_email ON video_people (email);

CREATE TABLE share_links (
    id TEXT PRIMARY KEY,
    video_id TEXT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL DEFAULT '',
    -- Grows with every change of the password: passes of before are void.
    version BIGINT NOT NULL DEFAULT 0,
    may_comment BOOLEAN NOT NULL,
    may_download BOOLEAN NOT NULL,
    expires_at TIMESTAMPTZ,
    max_views BIGINT NOT NULL DEFAULT 0,
    views BIGINT NOT NULL DEFAULT 0,
    created_by TEXT REFERENCES accounts (id) ON DELETE SET NULL,
    created_at TIMESTAMPTZ NOT NULL,
    revoked_at TIMESTAMPTZ
);
CREATE INDEX share_links_by_video ON share_links (video_id);

-- Browsers that a link with a view limit has let in.
CREATE TABLE link_viewers (
    link_id TEXT NOT NULL REFERENCES share_links (id) ON DELETE CASCADE,
    viewer BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (link_id, viewer)
);

CREATE TABLE access_requests (
    id TEXT PRIMARY KEY,
    video_id TEXT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    message TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL CHECK (state IN ('open', 'granted', 'denied')),
    created_at TIMESTAMPTZ NOT NULL,
    answered_at TIMESTAMPTZ,
    answered_by TEXT REFERENCES accounts (id) ON DELETE SET NULL
);
CREATE UNIQUE INDEX access_requests_open ON access_requests (video_id, account_id) WHERE state = 'open';
CREATE INDEX access_requests_by_account ON access_requests (account_id);

-- When an account asked for access, to anything, there or not: what bounds how
-- often it may, and costs the same for both.
CREATE TABLE access_asks (
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    asked_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (account_id, asked_at)
);

-- The inbox: what an account should know or answer.
CREATE TABLE notices (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    video_id TEXT REFERENCES videos (id) ON DELETE CASCADE,
    request_id TEXT REFERENCES access_requests (id) ON DELETE CASCADE,
    actor_name TEXT NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL,
    read_at TIMESTAMPTZ
);
CREATE INDEX notices_by_account ON notices (account_id, created_at DESC);
CREATE INDEX notices_by_video ON notices (video_id);
CREATE INDEX notices_by_request ON notices (request_id);

-- Who did what. Rows outlive what they speak of, so they name it by value.
CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    at TIMESTAMPTZ NOT NULL,
    actor_id TEXT NOT NULL,
    actor TEXT NOT NULL,
    actor_email TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    video_id TEXT NOT NULL,
    video_title TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_by_workspace ON audit (workspace_id, at DESC, id DESC);
CREATE INDEX audit_by_video ON audit (video_id);

-- +goose Down
SELECT 1;
