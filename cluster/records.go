package cluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/storestest"
)

// Consistent wants records and bucket to agree once all work is done: every part
// follows the one before, every object that a row names is there and whole, and no
// job waits or was given up.
func (c *Cluster) Consistent(ctx context.Context) error {
	if err := storestest.Until(ctx, bootTime, c.idle); err != nil {
		return err
	}
	wrong, err := c.Stores.Postgres.Query(ctx, c.Name, `
		SELECT u.video_id || ' holds ' || u.received || ' bytes in parts of ' || coalesce(sum(p.length), 0)
		FROM uploads u LEFT JOIN parts p ON p.video_id = u.video_id GROUP BY u.video_id, u.received HAVING u.received <> coalesce(sum(p.length), 0)
		UNION ALL
		SELECT video_id || ' has a hole before ' || start FROM
			(SELECT video_id, start, lag(start + length, 1, 0::bigint) OVER (PARTITION BY video_id ORDER BY start) AS before FROM parts) AS p WHERE start <> before
		UNION ALL
		SELECT 'video ' || id || ' is ' || state || ', and its upload ' || (SELECT state FROM uploads WHERE video_id = videos.id) FROM videos WHERE state = 'processing'
		UNION ALL
		SELECT 'job ' || id || ' (' || kind || ') was given up: ' || state || ' ' || coalesce(errors[array_length(errors, 1)]->>'error', '') FROM river_job WHERE state IN ('discarded', 'cancelled')`)
	if err == nil && len(wrong) > 0 {
		err = fmt.Errorf("%w: %s", errInconsistent, strings.Join(wrong, "; "))
	}
	if err != nil {
		return err
	}
	return c.whole(ctx)
}

// errInconsistent says that the records do not fit together.
var errInconsistent = errors.New("the records do not agree")

// idle says whether no job waits or runs that should have been done by now: those for
// later are none of ours, unless they wait with the media or have been due.
func (c *Cluster) idle(ctx context.Context) error {
	waiting, err := c.Stores.Postgres.Query(ctx, c.Name,
		`SELECT id || ' ' || kind || ' ' || state || ' attempt ' || attempt FROM river_job WHERE state IN ('available', 'running', 'retryable', 'pending')
			OR state = 'scheduled' AND (queue = 'media' OR scheduled_at < now())`)
	if err == nil && len(waiting) > 0 {
		err = fmt.Errorf("%w: jobs wait: %s", errInconsistent, strings.Join(waiting, "; "))
	}
	return err
}

// whole wants every object that a row names.
func (c *Cluster) whole(ctx context.Context) error {
	named, err := c.Stores.Postgres.Query(ctx, c.Name, `SELECT object_key, length FROM parts UNION ALL SELECT object_key, size FROM tracks`)
	if err != nil {
		return err
	}
	kept, err := c.Stores.Gateway.Keys(c.Name)
	if err != nil {
		return err
	}
	for _, row := range named {
		key, size, _ := strings.Cut(row, "|")
		at, ok := kept[key]
		if !ok {
			return fmt.Errorf("%w: no object %s", errInconsistent, key)
		}
		if want, err := strconv.ParseInt(size, 10, 64); err != nil || at != want {
			return fmt.Errorf("%w: object %s has %d bytes of %s", errInconsistent, key, at, size)
		}
	}
	return nil
}

// ownerKey is the object that says whose the others are.
const ownerKey = "installation"

// Orphans lists objects that no row names and that are older than a grace.
func (c *Cluster) Orphans(ctx context.Context, grace time.Duration) ([]string, error) {
	named, err := c.Stores.Postgres.Query(ctx, c.Name, `
		SELECT object_key FROM parts UNION ALL SELECT object_key FROM tracks UNION ALL SELECT object_prefix FROM garbage UNION ALL SELECT stills FROM videos`)
	if err != nil {
		return nil, err
	}
	kept, err := c.Stores.Gateway.Keys(c.Name)
	if err != nil {
		return nil, err
	}
	all := strings.Join(named, "\n")
	var orphans []string
	for key := range kept {
		if key != ownerKey && !strings.Contains(all, key) && c.Stores.Gateway.older(c.Name, key, grace) {
			orphans = append(orphans, key)
		}
	}
	return orphans, nil
}
