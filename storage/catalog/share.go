package catalog

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/record"
)

// ShareLink is an address that lets whoever holds it watch one video, on terms
// of its own.
type ShareLink struct {
	bun.BaseModel `bun:"table:share_links,alias:link"`

	ID      string `bun:"id,pk"`
	VideoID string `bun:"video_id"`
	// Slug is the random part of its address.
	Slug string `bun:"slug"`
	Name string `bun:"name"`
	// PasswordHash is "" for a link without a password.
	PasswordHash string `bun:"password_hash"`
	// Version grows with every change of the password: passes of before are void.
	Version     int64        `bun:"version"`
	MayComment  bool         `bun:"may_comment"`
	MayDownload bool         `bun:"may_download"`
	ExpiresAt   bun.NullTime `bun:"expires_at"`
	// MaxViews bounds how many browsers it lets in; 0 means no bound. Views is
	// how many it has let in.
	MaxViews  int          `bun:"max_views"`
	Views     int          `bun:"views"`
	CreatedBy string       `bun:"created_by,nullzero"`
	CreatedAt time.Time    `bun:"created_at"`
	RevokedAt bun.NullTime `bun:"revoked_at"`
}

// Open says whether the link lets anybody in at a time.
func (l *ShareLink) Open(now time.Time) bool {
	return l.RevokedAt.IsZero() && (l.ExpiresAt.IsZero() || now.Before(l.ExpiresAt.Time))
}

// Free says that the link lets in whoever has it, without asking or counting.
func (l *ShareLink) Free() bool { return l.PasswordHash == "" && l.MaxViews == 0 }

// ShareLink finds a link by its id, whether it is open or not.
func (c *Catalog) ShareLink(ctx context.Context, id string) (*ShareLink, error) {
	return c.shareLinkWhere(ctx, "id = ?", id)
}

// ShareLinkBySlug finds a link by its address, whether it is open or not.
func (c *Catalog) ShareLinkBySlug(ctx context.Context, slug string) (*ShareLink, error) {
	return c.shareLinkWhere(ctx, "slug = ?", slug)
}

func (c *Catalog) shareLinkWhere(ctx context.Context, where, value string) (*ShareLink, error) {
	link := new(ShareLink)
	err := c.DB.Reader.NewSelect().Model(link).Where(where, value).Scan(ctx)
	return link, record.Translate(err)
}

// Losses lists, for media grants that may still be about, the videos and the
// accounts that have lost access since a time.
func (c *Catalog) Losses(ctx context.Context, since time.Time) ([]record.Event, error) {
	var rows []struct {
		VideoID, AccountID string
		Epoch              int64
	}
	err := c.DB.Reader.NewRaw(`SELECT id AS video_id, '' AS account_id, epoch FROM videos WHERE epoch_at > ?
		UNION ALL SELECT '', id, epoch FROM accounts WHERE epoch_at > ?`, since.UTC(), since.UTC()).Scan(ctx, &rows)
	events := make([]record.Event, len(rows))
	for i, row := range rows {
		events[i] = record.Event{Kind: record.AccessLost, VideoID: row.VideoID, AccountID: row.AccountID, Epoch: row.Epoch}
	}
	return events, record.Translate(err)
}
