-- +goose Up
-- One row for each thing that is counted: the moment at which its budget is
-- whole again, in microseconds since 1970. A row whose moment has passed says
-- nothing and is dropped.
CREATE TABLE limits (
    key BYTEA PRIMARY KEY,
    full_us BIGINT NOT NULL
);
CREATE INDEX limits_by_full ON limits (full_us);

-- +goose Down
DROP TABLE limits;
