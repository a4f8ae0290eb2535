-- +goose Up
-- compatible with: 3
-- What a client asked to be made once: the keyed request, and what was made. A row
-- is written by the change that makes it, and forgotten after a day.
CREATE TABLE idempotency (
    key BLOB PRIMARY KEY NOT NULL,
    -- What the request said, hashed.
    fingerprint BLOB NOT NULL,
    -- The record that was made.
    subject TEXT NOT NULL,
    -- In milliseconds since 1970.
    at_ms BIGINT NOT NULL
);
CREATE INDEX idempotency_by_time ON idempotency (at_ms);

-- +goose Down
DROP TABLE idempotency;
