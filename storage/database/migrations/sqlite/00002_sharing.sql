-- +goose Up
CREATE TABLE workspaces (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    -- Sites whose pages may show our player in a frame, as a JSON list of origins.
    embed_origins TEXT NOT NULL DEFAULT '[]',
    -- Bounds; 0 means none.
    quota_bytes BIGINT NOT NULL DEFAULT 0,
    max_upload_bytes BIGINT NOT NULL DEFAULT 0,
    max_length_us BIGINT NOT NULL DEFAULT 0,
    retention_days INTEGER NOT NULL DEFAULT 0,
    trash_days INTEGER NOT NULL DEFAULT 30,
    used_bytes BIGINT NOT NULL DEFAULT 0,
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE memberships (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (workspace_id, account_id)
) WITHOUT ROWID;
CREATE INDEX memberships_by_account ON memberships (account_id);

-- Whoever had an account shared one library: that becomes the first workspace.
INSERT INTO workspaces (id, name, created_at)
SELECT lower(hex(randomblob(13))), 'Workspace', min(created_at) FROM accounts HAVING count(*) > 0;
INSERT INTO memberships (workspace_id, account_id, role, created_at)
SELECT workspaces.id, accounts.id, accounts.role, accounts.created_at FROM accounts, workspaces;

-- The workspace that was made with the server: whoever comes by another service joins it.
ALTER TABLE instance ADD COLUMN workspace_id TEXT;
UPDATE instance SET workspace_id = (SELECT id FROM workspaces);

-- operator: may look after the server as a whole.
ALTER TABLE accounts ADD COLUMN operator BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE accounts SET operator = (role = 'owner');
ALTER TABLE accounts DROP COLUMN role;
-- The workspace that the account works in now.
ALTER TABLE accounts ADD COLUMN workspace_id TEXT REFERENCES workspaces (id) ON DELETE SET NULL;
UPDATE accounts SET workspace_id = (SELECT id FROM workspaces);
ALTER TABLE accounts ADD COLUMN verified_at TIMESTAMP;
ALTER TABLE accounts ADD COLUMN disabled_at TIMESTAMP;
-- Grows when the account loses rights: media grants of before are void.
ALTER TABLE accounts ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN epoch_at TIMESTAMP;

ALTER TABLE sessions ADD COLUMN id TEXT NOT NULL DEFAULT '';
UPDATE sessions SET id = lower(hex(randomblob(13)));
CREATE UNIQUE INDEX sessions_by_id ON sessions (id);
ALTER TABLE sessions ADD COLUMN agent TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN seen_at TIMESTAMP;
-- How somebody signed in: password, passkey, oidc, link, each with +totp.
ALTER TABLE sessions ADD COLUMN method TEXT NOT NULL DEFAULT '';
-- When its holder last proved who it is: what changes who can sign in asks for that.
ALTER TABLE sessions ADD COLUMN proved_at TIMESTAMP;

ALTER TABLE api_tokens ADD COLUMN expires_at TIMESTAMP;
ALTER TABLE api_tokens ADD COLUMN used_at TIMESTAMP;

ALTER TABLE invitations ADD COLUMN workspace_id TEXT REFERENCES workspaces (id) ON DELETE CASCADE;
ALTER TABLE invitations ADD COLUMN role TEXT NOT NULL DEFAULT 'member';
-- The token of the letter: it proves the address, which a copied link does not.
ALTER TABLE invitations ADD COLUMN mail_hash BLOB;
CREATE UNIQUE INDEX invitations_by_mail ON invitations (mail_hash);
UPDATE invitations SET workspace_id = (SELECT id FROM workspaces);

-- Links sent by mail, for one use: to sign in, to prove an address.
CREATE TABLE one_time_links (
    hash BLOB PRIMARY KEY,
    purpose TEXT NOT NULL,
    email TEXT NOT NULL,
    account_id TEXT REFERENCES accounts (id) ON DELETE CASCADE,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL
) WITHOUT ROWID;
CREATE INDEX one_time_links_by_email ON one_time_links (email, purpose);

-- What a sign-in that takes several steps must remember between them.
CREATE TABLE ceremonies (
    hash BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    account_id TEXT REFERENCES accounts (id) ON DELETE CASCADE,
    data TEXT NOT NULL,
    expires_at TIMESTAMP NOT NULL
) WITHOUT ROWID;
CREATE INDEX ceremonies_lapsed ON ceremonies (expires_at);
CREATE INDEX ceremonies_by_account ON ceremonies (account_id);
CREATE INDEX one_time_links_by_account ON one_time_links (account_id);

CREATE TABLE identities (
    id TEXT NOT NULL UNIQUE,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (issuer, subject)
) WITHOUT ROWID;
CREATE INDEX identities_by_account ON identities (account_id);

CREATE TABLE passkeys (
    id BLOB PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    credential TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    used_at TIMESTAMP
) WITHOUT ROWID;
CREATE INDEX passkeys_by_account ON passkeys (account_id);

CREATE TABLE second_factors (
    account_id TEXT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    secret BLOB NOT NULL,
    confirmed_at TIMESTAMP,
    -- The last time step that was used: a code counts once.
    last_step BIGINT NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE recovery_codes (
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    hash BLOB NOT NULL,
    PRIMARY KEY (account_id, hash)
) WITHOUT ROWID;

ALTER TABLE videos ADD COLUMN workspace_id TEXT REFERENCES workspaces (id);
UPDATE videos SET workspace_id = (SELECT id FROM workspaces);
ALTER TABLE videos RENAME COLUMN visibility TO visibility_before;
ALTER TABLE videos ADD COLUMN visibility TEXT NOT NULL DEFAULT 'private' CHECK (visibility IN ('private', 'people', 'workspace', 'link'));
UPDATE videos SET visibility = CASE visibility_before WHEN 'members' THEN 'workspace' ELSE visibility_before END;
ALTER TABLE videos DROP COLUMN visibility_before;
ALTER TABLE videos ADD COLUMN guests_may_download BOOLEAN NOT NULL DEFAULT TRUE;
-- Grows when somebody loses access: media grants of before are void.
ALTER TABLE videos ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0;
ALTER TABLE videos ADD COLUMN epoch_at TIMESTAMP;
-- What its objects hold in bytes, counted in the workspace too.
ALTER TABLE videos ADD COLUMN stored_bytes BIGINT NOT NULL DEFAULT 0;
-- Why its upload was ended before its end: a bound of the workspace, or ''.
ALTER TABLE videos ADD COLUMN stopped TEXT NOT NULL DEFAULT '';
-- When it was last watched; retention counts from there. Whoever looks after it
-- may keep it for ever.
ALTER TABLE videos ADD COLUMN viewed_at TIMESTAMP;
ALTER TABLE videos ADD COLUMN kept BOOLEAN NOT NULL DEFAULT FALSE;
-- When its owner was told that retention will remove it, and when it will.
ALTER TABLE videos ADD COLUMN warned_at TIMESTAMP;
ALTER TABLE videos ADD COLUMN removal_at TIMESTAMP;
CREATE INDEX videos_removal ON videos (removal_at) WHERE removal_at IS NOT NULL;
CREATE INDEX videos_by_workspace ON videos (workspace_id, created_at DESC, id DESC) WHERE trashed_at IS NULL;
CREATE INDEX videos_epoch ON videos (epoch_at) WHERE epoch_at IS NOT NULL;
UPDATE videos SET stored_bytes = size + coalesce((SELECT sum(tracks.size) FROM tracks WHERE tracks.video_id = videos.id), 0);
UPDATE workspaces SET used_bytes = coalesce((SELECT sum(stored_bytes) FROM videos WHERE videos.workspace_id = workspaces.id), 0);

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
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (video_id, email)
) WITHOUT ROWID;
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
    expires_at TIMESTAMP,
    max_views INTEGER NOT NULL DEFAULT 0,
    views INTEGER NOT NULL DEFAULT 0,
    created_by TEXT REFERENCES accounts (id) ON DELETE SET NULL,
    created_at TIMESTAMP NOT NULL,
    revoked_at TIMESTAMP
);
CREATE INDEX share_links_by_video ON share_links (video_id);

-- Browsers that a link with a view limit has let in.
CREATE TABLE link_viewers (
    link_id TEXT NOT NULL REFERENCES share_links (id) ON DELETE CASCADE,
    viewer BLOB NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (link_id, viewer)
) WITHOUT ROWID;

CREATE TABLE access_requests (
    id TEXT PRIMARY KEY,
    video_id TEXT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    message TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL CHECK (state IN ('open', 'granted', 'denied')),
    created_at TIMESTAMP NOT NULL,
    answered_at TIMESTAMP,
    answered_by TEXT REFERENCES accounts (id) ON DELETE SET NULL
);
CREATE UNIQUE INDEX access_requests_open ON access_requests (video_id, account_id) WHERE state = 'open';
CREATE INDEX access_requests_by_account ON access_requests (account_id);

-- When an account asked for access, to anything, there or not: what bounds how
-- often it may, and costs the same for both.
CREATE TABLE access_asks (
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    asked_at TIMESTAMP NOT NULL,
    PRIMARY KEY (account_id, asked_at)
) WITHOUT ROWID;

-- The inbox: what an account should know or answer.
CREATE TABLE notices (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    video_id TEXT REFERENCES videos (id) ON DELETE CASCADE,
    request_id TEXT REFERENCES access_requests (id) ON DELETE CASCADE,
    actor_name TEXT NOT NULL DEFAULT '',
    created_at TIMESTAMP NOT NULL,
    read_at TIMESTAMP
);
CREATE INDEX notices_by_account ON notices (account_id, created_at DESC);
CREATE INDEX notices_by_video ON notices (video_id);
CREATE INDEX notices_by_request ON notices (request_id);

-- Who did what. Rows outlive what they speak of, so they name it by value.
CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    at TIMESTAMP NOT NULL,
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
