-- +goose Up
-- compatible with: 3
-- What changed lately, for the other servers, of which there are none beside an
-- embedded database: nothing is written here.
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    origin TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    payload TEXT NOT NULL
);
CREATE INDEX events_by_time ON events (at_ms);

-- +goose Down
DROP TABLE events;
