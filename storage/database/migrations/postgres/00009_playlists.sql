-- +goose Up
-- compatible with: 3
-- What playlists say of the segments of a span, or of a rung of it, as one small
-- value: the playlist of hours is read from some hundred rows, without the sample
-- tables. NULL where a server made it that did not know of it; what it is packed
-- from is still there, and is read instead.
ALTER TABLE spans ADD COLUMN playlist BYTEA;
ALTER TABLE tracks ADD COLUMN playlist BYTEA;

-- What a master playlist says of the rungs is read from here alone.
CREATE INDEX tracks_described ON tracks (video_id, name, span, kind, width, height, frame_rate, codecs, bandwidth, average_bandwidth);

-- +goose Down
DROP INDEX tracks_described;
ALTER TABLE tracks DROP COLUMN playlist;
ALTER TABLE spans DROP COLUMN playlist;
