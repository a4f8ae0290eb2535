-- +goose Up
-- compatible with: 3
-- One row for each process that does jobs now, with the moment at which it was
-- last heard of, in milliseconds since 1970 by the database's own clock. Who is
-- not heard of any more is removed, and its jobs go to others.
CREATE TABLE workers (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    host TEXT NOT NULL,
    version TEXT NOT NULL,
    slots BIGINT NOT NULL,
    busy BIGINT NOT NULL,
    started_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL
);

-- Where each workspace stands in the order of a queue: the virtual time, in
-- milliseconds, at which its next job of a priority begins.
CREATE TABLE turns (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    queue TEXT NOT NULL,
    waiting_ms BIGINT NOT NULL DEFAULT 0,
    live_ms BIGINT NOT NULL DEFAULT 0,
    bulk_ms BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (workspace_id, queue)
);

-- +goose Down
DROP TABLE turns;
DROP TABLE workers;
