-- +goose Up
-- compatible with: 3
-- Addresses that a workspace is told of its events at.
CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    -- Who made it, and hears of its end.
    created_by TEXT REFERENCES accounts (id) ON DELETE SET NULL,
    url TEXT NOT NULL,
    -- A JSON list of kinds of event.
    events TEXT NOT NULL DEFAULT '[]',
    -- What signs its messages; the one before still does until its time is over.
    secret TEXT NOT NULL,
    old_secret TEXT NOT NULL DEFAULT '',
    old_secret_until TIMESTAMPTZ,
    enabled BOOLEAN NOT NULL DEFAULT TRUE,
    -- Why the server switched it off, '' if it did not.
    disabled_why TEXT NOT NULL DEFAULT '',
    -- Failures since the last success, and when they began.
    failures INTEGER NOT NULL DEFAULT 0,
    failing_since TIMESTAMPTZ,
    -- Nothing is sent before; NULL is now.
    next_try_at TIMESTAMPTZ,
    -- The job that sends now, and until when it is believed to.
    lease_job BIGINT,
    lease_until TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX webhooks_by_workspace ON webhooks (workspace_id);
CREATE INDEX webhooks_by_creator ON webhooks (created_by);

-- One message to one webhook: what is to be sent, and what came of it.
CREATE TABLE webhook_deliveries (
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    -- The same event has the same id at every webhook and in every attempt.
    event_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- What it speaks of, and goes with; when that may not be seen any more, it is
    -- not sent.
    video_id TEXT REFERENCES videos (id) ON DELETE CASCADE,
    comment_id TEXT REFERENCES comments (id) ON DELETE CASCADE,
    data TEXT NOT NULL,
    happened_at TIMESTAMPTZ NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed', 'dropped')),
    -- Since when it is wanted: it is given up a day later.
    wanted_at TIMESTAMPTZ NOT NULL,
    next_at TIMESTAMPTZ NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- The last attempt: HTTP status (0 is no answer), how long it took, what was wrong.
    tried_at TIMESTAMPTZ,
    status INTEGER NOT NULL DEFAULT 0,
    duration_ms BIGINT NOT NULL DEFAULT 0,
    problem TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (webhook_id, event_id)
);
CREATE INDEX webhook_deliveries_by_turn ON webhook_deliveries (webhook_id, state, next_at);
CREATE INDEX webhook_deliveries_by_time ON webhook_deliveries (webhook_id, happened_at);
CREATE INDEX webhook_deliveries_by_video ON webhook_deliveries (video_id);
CREATE INDEX webhook_deliveries_by_comment ON webhook_deliveries (comment_id);

-- +goose Down
DROP TABLE webhook_deliveries;
DROP TABLE webhooks;
