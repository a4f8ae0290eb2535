package catalog

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"
	"golang.org/x/text/unicode/norm"

	"github.com/meanwhile-app/meanwhile/storage/people"
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
	// Version grows with every change of the password, and with every bound that is
	// new or lower: passes of before are void.
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

// LinkKnows says whether a link that counts whom it lets in has let this browser
// in before.
func (c *Catalog) LinkKnows(ctx context.Context, id string, viewer []byte) (bool, error) {
	if len(viewer) == 0 {
		return false, nil
	}
	var known bool
	err := c.DB.Reader.NewRaw("SELECT EXISTS (SELECT 1 FROM link_viewers WHERE link_id = ? AND viewer = ?)", id, viewer).Scan(ctx, &known)
	return known, record.Translate(err)
}

// ShareLinks lists the links of a video that have not been revoked, the oldest
// first.
func (c *Catalog) ShareLinks(ctx context.Context, videoID string) ([]*ShareLink, error) {
	var links []*ShareLink
	err := c.DB.Reader.NewSelect().Model(&links).Where("video_id = ? AND revoked_at IS NULL", videoID).OrderExpr("created_at, id").Scan(ctx)
	return links, record.Translate(err)
}

// LinkChange lists what may be said of a share link; nil leaves it as it is.
type LinkChange struct {
	Name *string
	// PasswordHash is "" for no password.
	PasswordHash            *string
	MayComment, MayDownload *bool
	// ExpiresAt is the zero time for never, and MaxViews 0 for no bound.
	ExpiresAt *time.Time
	MaxViews  *int
}

// Bounds on share links.
const (
	maxLinks    = 200
	maxLinkName = 100
	maxMaxViews = 100_000
)

// check says what a link cannot be made of.
func (w LinkChange) check(now time.Time) error {
	switch {
	case w.Name != nil && utf8.RuneCountInString(*w.Name) > maxLinkName:
		return &record.InvalidError{Field: "name", Message: "This name is too long."}
	case w.Name != nil && strings.ContainsFunc(*w.Name, people.Unprintable):
		return &record.InvalidError{Field: "name", Message: "This name has characters that cannot be shown."}
	case w.ExpiresAt != nil && !w.ExpiresAt.IsZero() && !now.Before(*w.ExpiresAt):
		return &record.InvalidError{Field: "expires_at", Message: "This moment has passed. Choose a later one, or revoke the link."}
	case w.MaxViews != nil && (*w.MaxViews < 0 || *w.MaxViews > maxMaxViews):
		return &record.InvalidError{Field: "max_views", Message: "A link lets in from 1 to " + strconv.Itoa(maxMaxViews) + " browsers, or any number with 0."}
	}
	return nil
}

// set takes a change over. It says whether somebody who came by the link may do
// less than before.
func (l *ShareLink) set(w LinkChange) (less bool) {
	if w.Name != nil {
		l.Name = norm.NFC.String(strings.TrimSpace(*w.Name))
	}
	if w.PasswordHash != nil {
		l.PasswordHash = *w.PasswordHash
		if l.PasswordHash != "" { // without one, who is in may stay
			l.Version++
			less = true
		}
	}
	if w.MayComment != nil {
		less = less || l.MayComment && !*w.MayComment
		l.MayComment = *w.MayComment
	}
	if w.MayDownload != nil {
		less = less || l.MayDownload && !*w.MayDownload
		l.MayDownload = *w.MayDownload
	}
	if w.ExpiresAt != nil {
		at := w.ExpiresAt.UTC().Truncate(time.Microsecond)
		less = less || !at.IsZero() && (l.ExpiresAt.IsZero() || at.Before(l.ExpiresAt.Time))
		l.ExpiresAt = bun.NullTime{Time: at}
	}
	if w.MaxViews != nil {
		if *w.MaxViews > 0 && (l.MaxViews == 0 || *w.MaxViews < l.MaxViews) {
			l.Version++ // passes of before are counted from now on
			less = true
		}
		l.MaxViews = *w.MaxViews
	}
	return less
}

// AddShareLink makes a share link of a video.
func (c *Catalog) AddShareLink(ctx context.Context, videoID, createdBy string, terms LinkChange) (*ShareLink, error) {
	if err := terms.check(c.Now()); err != nil {
		return nil, err
	}
	link := &ShareLink{ID: record.NewID(), VideoID: videoID, Slug: record.NewSlug(), CreatedBy: createdBy, CreatedAt: c.Now()}
	link.set(terms)
	id, err := c.Once(ctx, link.ID, func() error { return c.addShareLink(ctx, link) })
	if err != nil || id == link.ID {
		return link, err
	}
	return c.ShareLink(ctx, id)
}

func (c *Catalog) addShareLink(ctx context.Context, link *ShareLink) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		if err := tx.Made(ctx, link.ID); err != nil {
			return err
		}
		video, err := tx.lockVideo(ctx, link.VideoID)
		if err != nil {
			return err
		}
		n, err := tx.NewSelect().Model(link).Where("video_id = ? AND revoked_at IS NULL", link.VideoID).Count(ctx)
		if err != nil {
			return err
		}
		if n >= maxLinks {
			return record.ErrTooMany
		}
		if _, err := tx.NewInsert().Model(link).Exec(ctx); err != nil {
			return err
		}
		return tx.auditLink(ctx, video, link, "made")
	})
}

// ChangeShareLink changes the terms of a link. If those who came by it may do
// less, their media grants are void at once; with a new password, their passes
// are void, too.
func (c *Catalog) ChangeShareLink(ctx context.Context, id string, wanted LinkChange) (*ShareLink, error) {
	if err := wanted.check(c.Now()); err != nil {
		return nil, err
	}
	return c.changeLink(ctx, id, "changed", func(link *ShareLink) bool { return link.set(wanted) })
}

// RevokeShareLink closes a link for good.
func (c *Catalog) RevokeShareLink(ctx context.Context, id string) error {
	_, err := c.changeLink(ctx, id, "revoked", func(link *ShareLink) bool {
		link.RevokedAt = bun.NullTime{Time: c.Now()}
		return true
	})
	return err
}

func (c *Catalog) changeLink(ctx context.Context, id, how string, do func(*ShareLink) (less bool)) (*ShareLink, error) {
	link := new(ShareLink)
	return link, c.write(ctx, func(ctx context.Context, tx change) error {
		*link = ShareLink{}
		video, err := tx.lockVideoOfLink(ctx, id)
		if err != nil {
			return err
		}
		if err := tx.NewSelect().Model(link).Where("id = ? AND revoked_at IS NULL", id).Scan(ctx); err != nil {
			return err
		}
		less := do(link)
		if _, err := tx.NewUpdate().Model(link).WherePK().ExcludeColumn("views").Exec(ctx); err != nil {
			return err
		}
		tx.Tell(record.Event{Kind: record.VideoChanged, VideoID: video.ID})
		if less {
			if err := tx.loseAccess(ctx, video); err != nil {
				return err
			}
		}
		return tx.auditLink(ctx, video, link, how)
	})
}

func (t change) lockVideoOfLink(ctx context.Context, id string) (*Video, error) {
	var videoID string
	if err := t.NewRaw("SELECT video_id FROM share_links WHERE id = ?", id).Scan(ctx, &videoID); err != nil {
		return nil, err
	}
	return t.lockVideo(ctx, videoID)
}

func (t change) auditLink(ctx context.Context, video *Video, link *ShareLink, how string) error {
	detail := map[string]string{
		"link": how, "name": link.Name, "password": strconv.FormatBool(link.PasswordHash != ""),
		"may_comment": strconv.FormatBool(link.MayComment), "may_download": strconv.FormatBool(link.MayDownload),
	}
	if !link.ExpiresAt.IsZero() {
		detail["expires_at"] = link.ExpiresAt.Format(time.RFC3339)
	}
	if link.MaxViews > 0 {
		detail["max_views"] = strconv.Itoa(link.MaxViews)
	}
	return t.audit(ctx, video, record.VideoShared, detail)
}

// EnterShareLink lets a browser in by a link, and counts it if the link counts
// and has not let it in before. The link is as the caller saw it when it checked
// the password. It returns record.ErrNotFound if the link is closed by now, asks
// for another password, or has let in as many as it may.
func (c *Catalog) EnterShareLink(ctx context.Context, link *ShareLink, viewer []byte) error {
	return c.beside(ctx, func(ctx context.Context, tx change) error {
		now := new(ShareLink)
		if err := tx.NewSelect().Model(now).Where("id = ?", link.ID).Scan(ctx); err != nil {
			return err
		}
		if !now.Open(c.Now()) || now.Version != link.Version {
			return record.ErrNotFound
		}
		if now.MaxViews == 0 {
			return nil
		}
		let, err := tx.NewRaw("INSERT INTO link_viewers (link_id, viewer, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", link.ID, viewer, c.Now()).Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := let.RowsAffected(); err != nil || n == 0 {
			return err // it has been in before
		}
		// The row is what everybody who comes at the same time waits for.
		return record.Must(tx.NewRaw("UPDATE share_links SET views = views + 1 WHERE id = ? AND revoked_at IS NULL AND version = ? AND views < max_views", link.ID, link.Version).Exec(ctx))
	})
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
