-- +goose Up
-- compatible with: 3
-- What the installation as a whole did, minute by minute: what operators see over
-- time. A minute of one name is one row, whichever server writes it.
CREATE TABLE samples (
    name TEXT NOT NULL,
    -- The minute, in seconds since 1970.
    at_s BIGINT NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (name, at_s)
);
CREATE INDEX samples_by_time ON samples (at_s);

-- The trace that a video began in (W3C traceparent), so that all that happens to
-- it on its way joins that one; '' where nobody traces.
ALTER TABLE videos ADD COLUMN traceparent TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE videos DROP COLUMN traceparent;
DROP TABLE samples;
