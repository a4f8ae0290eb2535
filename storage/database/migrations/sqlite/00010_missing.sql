-- +goose Up
-- compatible with: 3
-- Videos of which the store lacks an object that the records name, as it was found
-- while they played or by housekeeping: one object of each. A row goes when the
-- object is back, or is needed no more.
CREATE TABLE missing_media (
    video_id TEXT PRIMARY KEY NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    object_key TEXT NOT NULL,
    -- In milliseconds since 1970.
    noticed_ms BIGINT NOT NULL,
    checked_ms BIGINT NOT NULL
);

-- +goose Down
DROP TABLE missing_media;
