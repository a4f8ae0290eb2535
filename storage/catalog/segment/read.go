package segment

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// Source is a video whose fragments are asked for.
type Source struct {
	VideoID string
	// Closed says that nothing comes any more: there are spans for all of it.
	Closed   bool
	Duration time.Duration
}

// Fragments of recorders last two seconds; room is made for as many at once.
const (
	usual    = 2 * time.Second
	mostRoom = 10_000
)

// OfSource lists the fragments of a video's source, without their samples: those
// of its spans up to the first that is not packed, and then what follows them. A
// recording that is continued between the two has a new version, and its list is
// asked for anew.
func OfSource(ctx context.Context, db bun.IDB, of Source) ([]Segment, error) {
	all := make([]Segment, 0, min(max(of.Duration/usual, 0)+1, mostRoom))
	next, whole := 0, true // the fragment that comes next; whether all spans were packed so far
	q := db.NewSelect().Table("spans").Column("first_fragment", "fragments", "playlist").Where("video_id = ?", of.VideoID).Order("n")
	err := each(ctx, q, func(rows *sql.Rows) error {
		var first, fragments int
		var packed sql.RawBytes
		err := rows.Scan(&first, &fragments, &packed)
		if whole = whole && packed != nil && first == next; err != nil || !whole {
			return err
		}
		next += fragments
		all, err = Unpack(all, packed)
		return err
	})
	if err != nil || of.Closed && whole && next > 0 {
		return all, err
	}
	q = db.NewSelect().Table("fragments").Column("start", "length", "start_us", "duration_us").Where("video_id = ? AND n >= ?", of.VideoID, next).Order("n")
	err = each(ctx, q, func(rows *sql.Rows) error {
		var offset, length, startUS, durationUS int64
		err := rows.Scan(&offset, &length, &startUS, &durationUS)
		all = append(all, Segment{Offset: offset, Length: length, Start: micros(startUS), Duration: micros(durationUS)})
		return err
	})
	return all, err
}

func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

// Piece is a rendition of one span, or, if Span is negative, of the whole: an
// object that holds an init segment of InitLength bytes and then the segments.
type Piece struct {
	Span       int
	ObjectKey  string
	InitLength int64
	Segments   []Segment
}

// OfRendition lists what is made of a rung, or of the sound, by span, without the
// samples.
func OfRendition(ctx context.Context, db bun.IDB, videoID, name string) ([]Piece, error) {
	var all []Piece
	q := db.NewSelect().Table("tracks").Column("span", "object_key", "init_length", "playlist").
		ColumnExpr("CASE WHEN playlist IS NULL THEN segments END").Where("video_id = ? AND name = ?", videoID, name).Order("span")
	err := each(ctx, q, func(rows *sql.Rows) error {
		var p Piece
		var packed, text sql.RawBytes
		err := rows.Scan(&p.Span, &p.ObjectKey, &p.InitLength, &packed, &text)
		if err != nil {
			return err
		}
		if packed != nil {
			p.Segments, err = Unpack(nil, packed)
		} else {
			err = json.Unmarshal(text, &p.Segments)
		}
		all = append(all, p)
		return err
	})
	return all, err
}

// each calls do for each row: of hundreds, reflection would take most of the time.
func each(ctx context.Context, q *bun.SelectQuery, do func(rows *sql.Rows) error) (err error) {
	rows, err := q.Rows(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := do(rows); err != nil {
			return fmt.Errorf("segment: %w", err)
		}
	}
	return rows.Err()
}
