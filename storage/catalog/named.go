package catalog

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Named is somebody who was named for one video.
type Named struct {
	bun.BaseModel `bun:"table:video_people,alias:named"`

	ID      string `bun:"id"`
	VideoID string `bun:"video_id,pk"`
	// Email is the address that was named.
	Email string `bun:"email,pk"`
	// AccountID is whose address that is, "" until somebody has proved it.
	AccountID   string    `bun:"account_id,nullzero"`
	MayComment  bool      `bun:"may_comment"`
	MayDownload bool      `bun:"may_download"`
	NamedBy     string    `bun:"named_by,nullzero"`
	CreatedAt   time.Time `bun:"created_at"`

	// Name is the account's. Seen says that it has watched.
	Name string `bun:"name,scanonly"`
	Seen bool   `bun:"seen,scanonly"`
}

// NamedPeople lists who was named for a video, the first one first.
func (c *Catalog) NamedPeople(ctx context.Context, videoID string) ([]*Named, error) {
	var all []*Named
	err := namedPeople(c.DB.Reader, &all).Where("named.video_id = ?", videoID).OrderExpr("named.created_at, named.email").Scan(ctx)
	return all, record.Translate(err)
}

func namedPeople(db bun.IDB, dest any) *bun.SelectQuery {
	return db.NewSelect().Model(dest).
		ColumnExpr("named.*, coalesce(account.name, '') AS name").
		ColumnExpr("EXISTS (SELECT 1 FROM views WHERE views.video_id = named.video_id AND views.viewer = 'account:' || named.account_id) AS seen").
		Join("LEFT JOIN accounts AS account ON account.id = named.account_id")
}

// Invitee is somebody to be named: by account, or by address.
type Invitee struct{ AccountID, Email string }

// Naming names people for a video.
type Naming struct {
	VideoID string
	People  []Invitee
	// By is the account that names them.
	By                      string
	MayComment, MayDownload bool
	// Raise makes a private video one for named people: nobody else may watch it
	// then, either.
	Raise bool
	// Write sends everybody who is new a mail, where there is a mail server.
	Write bool
}

// maxNamed bounds how many people one video names.
const maxNamed = 1000

// MailShared is the letter to somebody who was named for a video; its record is
// the Named.
const MailShared = "shared"

// NamePeople lets people watch a video, and lets those who were named before do
// what this says. An address counts for the account that has proved it, now or
// later. It returns record.ErrTooMany beyond the bound.
func (c *Catalog) NamePeople(ctx context.Context, n Naming) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		video, err := tx.lockVideo(ctx, n.VideoID)
		if err != nil {
			return err
		}
		if err := tx.raise(ctx, video, n.By, n.Raise); err != nil {
			return err
		}
		for _, who := range n.People {
			if err := tx.nameOne(ctx, video, n, who); err != nil {
				return err
			}
		}
		all, err := tx.NewSelect().Model((*Named)(nil)).Where("video_id = ?", n.VideoID).Count(ctx)
		if err == nil && all > maxNamed {
			return record.ErrTooMany
		}
		tx.Tell(record.Event{Kind: record.VideoChanged, VideoID: video.ID})
		return err
	})
}

// raise makes a private video one for named people, if that is wanted. A private
// video is its owner's alone: for others who looked after it, until now perhaps,
// it is not there, which is decided here because it may have become so meanwhile.
func (t change) raise(ctx context.Context, video *Video, by string, wanted bool) error {
	switch {
	case video.Visibility != Private:
		return nil
	case by != video.OwnerID:
		return record.ErrNotFound
	case !wanted:
		return nil
	}
	if _, err := t.NewUpdate().Table("videos").Set("visibility = ?", NamedOnly).Set("updated_at = ?", t.Now()).Where("id = ?", video.ID).Exec(ctx); err != nil {
		return err
	}
	return t.audit(ctx, video, record.VideoShared, map[string]string{"visibility": string(Private) + " → " + string(NamedOnly)})
}

// nameOne names one person, or changes what they may do.
func (t change) nameOne(ctx context.Context, video *Video, n Naming, who Invitee) error {
	account, email, err := t.whoIs(ctx, who)
	if err != nil {
		return err
	}
	if account == video.OwnerID {
		return nil // who may do everything needs no name
	}
	found := new(Named)
	err = t.NewSelect().Model(found).Where("video_id = ? AND (email = ? OR account_id = ?)", video.ID, email, account).
		OrderExpr("account_id IS NULL").Limit(1).Scan(ctx)
	err = record.Translate(err)
	if err == nil {
		return t.changeNamed(ctx, video, found, n.MayComment, n.MayDownload)
	}
	if !errors.Is(err, record.ErrNotFound) {
		return err
	}
	made := &Named{
		ID: record.NewID(), VideoID: video.ID, Email: email, AccountID: account,
		MayComment: n.MayComment, MayDownload: n.MayDownload, NamedBy: n.By, CreatedAt: t.Now(),
	}
	if _, err := t.NewInsert().Model(made).Exec(ctx); err != nil {
		return err
	}
	if err := t.audit(ctx, video, record.VideoShared, made.detail("named")); err != nil {
		return err
	}
	return t.tellNamed(ctx, made, n.Write)
}

// tellNamed puts a new name into the inbox of whoever has it, and writes.
func (t change) tellNamed(ctx context.Context, n *Named, write bool) error {
	if n.AccountID != "" && n.AccountID != n.NamedBy {
		notice := Notice{AccountID: n.AccountID, Kind: NoticeShared, VideoID: n.VideoID}
		if err := t.inform(ctx, notice, n.NamedBy); err != nil {
			return err
		}
	}
	if !write {
		return nil
	}
	return t.Enqueue(ctx, jobs.Mail{Template: MailShared, To: n.Email, Ref: n.ID}, jobs.Waiting)
}

// whoIs finds the account of somebody to be named, and the address to name it
// by. An address that nobody has proved to be theirs has no account: whoever
// typed it into a form of ours must not get what was meant for its owner.
func (t change) whoIs(ctx context.Context, who Invitee) (accountID, email string, err error) {
	account := new(people.Account)
	query := t.NewSelect().Model(account)
	if who.AccountID != "" {
		err = query.Where("id = ? AND disabled_at IS NULL", who.AccountID).Scan(ctx)
		return account.ID, account.Email, err
	}
	if email, err = people.NormalEmail(who.Email); err != nil {
		return "", "", err
	}
	err = record.Translate(query.Where("email = ? AND verified_at IS NOT NULL AND disabled_at IS NULL", email).Scan(ctx))
	if errors.Is(err, record.ErrNotFound) {
		return "", email, nil
	}
	return account.ID, email, err
}

func (n *Named) detail(how string) map[string]string {
	return map[string]string{
		"person": how, "email": n.Email,
		"may_comment": strconv.FormatBool(n.MayComment), "may_download": strconv.FormatBool(n.MayDownload),
	}
}

// changeNamed lets somebody who was named do more or less.
func (t change) changeNamed(ctx context.Context, video *Video, n *Named, mayComment, mayDownload bool) error {
	if n.MayComment == mayComment && n.MayDownload == mayDownload {
		return nil
	}
	less := n.MayComment && !mayComment || n.MayDownload && !mayDownload
	n.MayComment, n.MayDownload = mayComment, mayDownload
	if _, err := t.NewUpdate().Model(n).Column("may_comment", "may_download").WherePK().Exec(ctx); err != nil {
		return err
	}
	t.Tell(record.Event{Kind: record.VideoChanged, VideoID: video.ID})
	if less {
		if err := t.loseAccess(ctx, video); err != nil {
			return err
		}
	}
	return t.audit(ctx, video, record.VideoShared, n.detail("changed"))
}

// NamedChange lists what somebody who was named may do; nil leaves it.
type NamedChange struct{ MayComment, MayDownload *bool }

// ChangeNamed changes what somebody who was named for a video may do.
func (c *Catalog) ChangeNamed(ctx context.Context, videoID, id string, wanted NamedChange) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		video, n, err := tx.named(ctx, videoID, id)
		if err != nil {
			return err
		}
		comment, download := n.MayComment, n.MayDownload
		if wanted.MayComment != nil {
			comment = *wanted.MayComment
		}
		if wanted.MayDownload != nil {
			download = *wanted.MayDownload
		}
		return tx.changeNamed(ctx, video, n, comment, download)
	})
}

// UnnamePerson takes a name from a video. Media grants of before are void at once.
func (c *Catalog) UnnamePerson(ctx context.Context, videoID, id string) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		video, n, err := tx.named(ctx, videoID, id)
		if err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model(n).WherePK().Exec(ctx); err != nil {
			return err
		}
		if n.AccountID != "" && video.Visibility != Private {
			tx.Tell(record.Event{Kind: record.VideoHidden, VideoID: video.ID, AccountID: n.AccountID})
		}
		if err := tx.loseAccess(ctx, video); err != nil {
			return err
		}
		return tx.audit(ctx, video, record.VideoShared, n.detail("removed"))
	})
}

func (t change) named(ctx context.Context, videoID, id string) (*Video, *Named, error) {
	video, err := t.lockVideo(ctx, videoID)
	if err != nil {
		return nil, nil, err
	}
	n := new(Named)
	return video, n, t.NewSelect().Model(n).Where("video_id = ? AND id = ?", videoID, id).Scan(ctx)
}

// NamedPerson finds a name by its id, for the letter about it.
func (c *Catalog) NamedPerson(ctx context.Context, id string) (*Named, error) {
	n := new(Named)
	err := namedPeople(c.DB.Reader, n).Where("named.id = ?", id).Scan(ctx)
	return n, record.Translate(err)
}
