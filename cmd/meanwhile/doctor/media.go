package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/meanwhile-app/meanwhile/storage/backup"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/objects"
)

// shown is how many damaged objects are named.
const shown = 10

// ExamineMedia reads all that the records name, from end to end where the store
// remembers checksums. It takes as long as that takes.
func ExamineMedia(ctx context.Context, address string, store objects.Store) []Finding {
	const name = "media"
	db, err := database.Open(ctx, address)
	if err != nil {
		return []Finding{{name, Failure, err.Error(), "See what is said of the database."}}
	}
	defer db.Close()
	c := &mediaCheck{store: store}
	missing, err := backup.Lacking(ctx, db, c.look)
	if err != nil {
		return []Finding{{name, Failure, err.Error(), "Try again when both database and store answer."}}
	}
	damaged := c.damaged
	for _, m := range missing {
		damaged = append(damaged, m.Key+" of video "+m.VideoID+" is missing or cut off")
	}
	if len(damaged) > 0 {
		detail := fmt.Sprintf("%d of %d objects are damaged: %s", len(damaged), c.all, strings.Join(damaged[:min(len(damaged), shown)], "; "))
		return []Finding{{name, Failure, detail, "Bring these objects back from a backup under the same keys. Renditions (…/ladder/…) and pictures (…/still/…) can be made anew; recordings (…/src/…) cannot."}}
	}
	detail := fmt.Sprintf("%d objects are there with their sizes, %d of them read and compared with their checksums", c.all, c.verified)
	return []Finding{{Name: name, Status: Fine, Detail: detail}}
}

// mediaCheck looks at one object after the other.
type mediaCheck struct {
	store         objects.Store
	all, verified int
	damaged       []string
}

// look implements backup.Has.
func (c *mediaCheck) look(ctx context.Context, key string) (int64, bool, error) {
	c.all++
	size, err := c.store.Size(ctx, key)
	if errors.Is(err, objects.ErrNotFound) {
		return 0, false, nil
	}
	verifier, ok := c.store.(objects.Verifier)
	if err != nil || !ok {
		return size, err == nil, err
	}
	known, err := verifier.Verify(ctx, key)
	if errors.Is(err, objects.ErrCorrupt) {
		c.damaged = append(c.damaged, key+" holds other bytes than were kept")
		err = nil
	}
	if known {
		c.verified++
	}
	return size, err == nil, err
}
