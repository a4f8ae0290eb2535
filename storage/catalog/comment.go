package catalog

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"
	"golang.org/x/text/unicode/norm"

	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
	"github.com/meanwhile-app/meanwhile/storage/webhook"
)

// ErrTooManyComments says that a video holds as many comments as it may.
var ErrTooManyComments = errors.New("this video has too many comments")

const (
	// maxComments bounds what one video's page must load.
	maxComments = 20_000
	// latestMoment bounds a comment on a video whose end is not known yet.
	latestMoment = 31 * 24 * time.Hour
)

// Comment is what somebody said at a moment of a video.
type Comment struct {
	bun.BaseModel `bun:"table:comments,alias:comment"`

	ID      string `bun:"id,pk"`
	VideoID string `bun:"video_id"`
	// ParentID is the comment that this one answers, or "".
	ParentID string `bun:"parent_id,nullzero"`
	// AuthorID is the account that wrote it, or "" for a guest.
	AuthorID   string `bun:"author_id,nullzero"`
	AuthorName string `bun:"author_name,scanonly"`
	GuestName  string `bun:"guest_name"`
	// GuestHash is the hash of the token that the guest's browser keeps.
	GuestHash []byte `bun:"guest_hash"`
	// AtUS is the moment of the video in microseconds.
	AtUS       int64        `bun:"at_us"`
	Body       string       `bun:"body"`
	CreatedAt  time.Time    `bun:"created_at"`
	EditedAt   bun.NullTime `bun:"edited_at"`
	ResolvedAt bun.NullTime `bun:"resolved_at"`
	// Version is what Video.CommentsVersion became with the last change.
	Version int64 `bun:"version"`
}

// At is the moment of the video that the comment speaks of.
func (c *Comment) At() time.Duration { return time.Duration(c.AtUS) * time.Microsecond }

// Name is the author's, for people to read.
func (c *Comment) Name() string {
	if c.AuthorID == "" {
		return c.GuestName
	}
	return c.AuthorName
}

// NewComment is what somebody says. Either AuthorID is set, or GuestName with
// GuestHash.
type NewComment struct {
	// ID is what it will be called; "" lets it be found.
	ID       string
	VideoID  string
	ParentID string
	AuthorID string
	// GuestName and GuestHash stand for an author without an account.
	GuestName string
	GuestHash []byte
	// At is the moment of the video; nil lets an answer stand beside what it
	// answers.
	At   *time.Duration
	Body string
}

// AddComment records a comment. A moment after the end counts as the end,
// unless the video is still being recorded. It returns record.ErrNotFound if the video
// is gone and an *record.InvalidError for what cannot be said.
func (c *Catalog) AddComment(ctx context.Context, n NewComment) (*Comment, error) {
	comment, err := c.newComment(n)
	if err != nil {
		return nil, err
	}
	id, err := c.Once(ctx, comment.ID, func() error { return c.addComment(ctx, comment, n) })
	if err != nil {
		return nil, err
	}
	return c.Comment(ctx, id)
}

func (c *Catalog) addComment(ctx context.Context, comment *Comment, n NewComment) error {
	return c.beside(ctx, func(ctx context.Context, tx change) error {
		if err := tx.Made(ctx, comment.ID); err != nil {
			return err
		}
		video, err := tx.lockVideo(ctx, n.VideoID)
		if err != nil {
			return err
		}
		if video.Comments >= maxComments {
			return ErrTooManyComments
		}
		if err := tx.placeComment(ctx, video, comment, n.At); err != nil {
			return err
		}
		comment.Version = video.CommentsVersion + 1
		if _, err := tx.NewInsert().Model(comment).Exec(ctx); err != nil {
			return err
		}
		tx.Tell(record.Event{Kind: record.CommentChanged, VideoID: n.VideoID, CommentID: comment.ID})
		if err := tx.emitComment(ctx, video, comment); err != nil {
			return err
		}
		return tx.recountComments(ctx, n.VideoID)
	})
}

func (t change) emitComment(ctx context.Context, video *Video, comment *Comment) error {
	told := &webhook.Comment{ID: comment.ID, ParentID: comment.ParentID, Author: comment.GuestName, AtMS: comment.AtUS / 1000, Body: comment.Body}
	if comment.AuthorID != "" {
		if err := t.NewRaw("SELECT name FROM accounts WHERE id = ?", comment.AuthorID).Scan(ctx, &told.Author); err != nil {
			return err
		}
	}
	return t.emit(ctx, video, webhook.Event{Kind: webhook.CommentCreated, CommentID: comment.ID, Data: webhook.Data{Comment: told}})
}

func (c *Catalog) newComment(n NewComment) (*Comment, error) {
	if n.At != nil && *n.At < 0 {
		return nil, &record.InvalidError{Field: "at_ms", Message: "A comment cannot stand before the start of the video."}
	}
	if n.At == nil && n.ParentID == "" {
		return nil, &record.InvalidError{Field: "at_ms", Message: "Say at which moment of the video the comment stands, in milliseconds."}
	}
	body, err := NormalBody(n.Body)
	if err != nil {
		return nil, err
	}
	if n.AuthorID == "" {
		if n.GuestName, err = NormalGuestName(n.GuestName); err != nil {
			return nil, err
		}
	} else {
		n.GuestName, n.GuestHash = "", nil
	}
	return &Comment{
		ID: cmp.Or(n.ID, record.NewID()), VideoID: n.VideoID, ParentID: n.ParentID, AuthorID: n.AuthorID,
		GuestName: n.GuestName, GuestHash: n.GuestHash, Body: body, CreatedAt: c.Now(),
	}, nil
}

// placeComment gives a comment its moment and checks what it answers: a comment
// of the same video that is itself no answer.
func (t change) placeComment(ctx context.Context, video *Video, comment *Comment, at *time.Duration) error {
	if comment.ParentID != "" {
		parent := new(Comment)
		err := t.Lock(t.NewSelect().Model(parent).Where("id = ? AND video_id = ? AND parent_id IS NULL", comment.ParentID, video.ID)).Scan(ctx)
		if errors.Is(record.Translate(err), record.ErrNotFound) || strings.ContainsRune(comment.ParentID, 0) { // which SQL text cannot hold
			return &record.InvalidError{Field: "parent_id", Message: "The comment that this one answers is not there, or is an answer itself."}
		}
		if err != nil {
			return err
		}
		comment.AtUS = parent.AtUS
	}
	if at != nil {
		comment.AtUS = min(*at, latestMoment).Microseconds()
	}
	if video.State != Recording && video.DurationUS > 0 {
		comment.AtUS = min(comment.AtUS, video.DurationUS)
	}
	return nil
}

// recountComments keeps the number that lists show. Counting costs less than a
// millisecond for as many comments as a video may have, and cannot drift.
func (t change) recountComments(ctx context.Context, videoID string) error {
	t.Tell(record.Event{Kind: record.VideoChanged, VideoID: videoID})
	_, err := t.NewRaw(`UPDATE videos SET comments = (SELECT count(*) FROM comments WHERE video_id = ?0),
		comments_version = comments_version + 1 WHERE id = ?0`, videoID).Exec(ctx)
	return err
}

// RenameAccount changes the name that others see, beside all that it has said.
func (c *Catalog) RenameAccount(ctx context.Context, id, name string) (*people.Account, error) {
	var account *people.Account
	return account, c.write(ctx, func(ctx context.Context, tx change) (err error) {
		if account, err = people.Rename(ctx, tx.Change, id, name); err != nil {
			return err
		}
		return tx.renameAuthor(ctx, id)
	})
}

// renameAuthor lets nobody keep a list of comments with an author's old name.
func (t change) renameAuthor(ctx context.Context, accountID string) error {
	statements := []string{
		"UPDATE videos SET comments_version = comments_version + 1 WHERE id IN (SELECT video_id FROM comments WHERE author_id = ?)",
		"UPDATE comments SET version = (SELECT comments_version FROM videos WHERE id = comments.video_id) WHERE author_id = ?",
	}
	for _, statement := range statements {
		if _, err := t.NewRaw(statement, accountID).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// comments selects comments with the names of their authors.
func comments(db bun.IDB, dest any) *bun.SelectQuery {
	return db.NewSelect().Model(dest).ColumnExpr("comment.*, account.name AS author_name").
		Join("LEFT JOIN accounts AS account ON account.id = comment.author_id")
}

// Comment finds a comment by its id.
func (c *Catalog) Comment(ctx context.Context, id string) (*Comment, error) {
	comment := new(Comment)
	if err := comments(c.DB.Reader, comment).Where("comment.id = ?", id).Scan(ctx); err != nil {
		return nil, record.Translate(err)
	}
	return comment, nil
}

// AllComments asks Comments for every one, whatever its version.
const AllComments = -1

// Comments lists what was said about a video, or changed, after a version of
// its comments, in the order of the video's moments. What was deleted since is
// not listed.
func (c *Catalog) Comments(ctx context.Context, videoID string, since int64) ([]*Comment, error) {
	var found []*Comment
	q := comments(c.DB.Reader, &found).Where("comment.video_id = ?", videoID)
	if since > AllComments {
		q = q.Where("comment.version > ?", since)
	}
	err := q.OrderExpr("comment.at_us, comment.created_at, comment.id").Scan(ctx)
	return found, record.Translate(err)
}

// EditComment replaces what a comment says. The same words change nothing.
func (c *Catalog) EditComment(ctx context.Context, id, body string) error {
	body, err := NormalBody(body)
	if err != nil {
		return err
	}
	return c.changeComment(ctx, id, func(q *bun.UpdateQuery) *bun.UpdateQuery {
		return q.Set("edited_at = CASE WHEN body = ? THEN edited_at ELSE ? END", body, bun.NullTime{Time: c.Now()}).Set("body = ?", body)
	})
}

// ResolveComment marks a comment as dealt with, or takes the mark away. A mark
// that is there already keeps its time.
func (c *Catalog) ResolveComment(ctx context.Context, id string, resolved bool) error {
	return c.changeComment(ctx, id, func(q *bun.UpdateQuery) *bun.UpdateQuery {
		if resolved {
			return q.Set("resolved_at = coalesce(resolved_at, ?)", c.Now())
		}
		return q.Set("resolved_at = NULL")
	})
}

func (c *Catalog) changeComment(ctx context.Context, id string, set func(*bun.UpdateQuery) *bun.UpdateQuery) error {
	return c.beside(ctx, func(ctx context.Context, tx change) error {
		var videoID string
		err := tx.NewRaw(`UPDATE videos SET comments_version = comments_version + 1
			WHERE id = (SELECT video_id FROM comments WHERE id = ?) RETURNING id`, id).Scan(ctx, &videoID)
		if err != nil {
			return err
		}
		tx.Tell(record.Event{Kind: record.CommentChanged, VideoID: videoID, CommentID: id})
		q := tx.NewUpdate().Table("comments").Set("version = (SELECT comments_version FROM videos WHERE id = ?)", videoID)
		return record.Must(set(q).Where("id = ?", id).Exec(ctx))
	})
}

// DeleteComment removes a comment together with its answers.
func (c *Catalog) DeleteComment(ctx context.Context, id string) error {
	return c.beside(ctx, func(ctx context.Context, tx change) error {
		var gone []struct{ ID, VideoID string }
		err := tx.lockVideoOf(ctx, id)
		if err != nil {
			return err
		}
		err = tx.NewRaw("SELECT id, video_id FROM comments WHERE id = ?0 OR parent_id = ?0", id).Scan(ctx, &gone)
		if err != nil {
			return err
		}
		if err := record.Must(tx.NewDelete().Table("comments").Where("id = ?", id).Exec(ctx)); err != nil {
			return err // the answers go with it, by their foreign key
		}
		for _, g := range gone {
			tx.Tell(record.Event{Kind: record.CommentRemoved, VideoID: g.VideoID, CommentID: g.ID})
		}
		return tx.recountComments(ctx, gone[0].VideoID)
	})
}

// lockVideoOf locks the video that a comment is about: nobody answers meanwhile.
func (t change) lockVideoOf(ctx context.Context, commentID string) error {
	var videoID string
	if err := t.NewRaw("SELECT video_id FROM comments WHERE id = ?", commentID).Scan(ctx, &videoID); err != nil {
		return err
	}
	_, err := t.lockVideo(ctx, videoID)
	return err
}

// Bounds of what people write, in characters.
const (
	maxBody      = 10_000
	maxGuestName = 80
)

// NormalBody is the one form of a comment's text that is stored: trimmed, lines
// ended by \n, and without control characters.
func NormalBody(body string) (string, error) {
	invalid := func(message string) error { return &record.InvalidError{Field: "body", Message: message} }
	if len(body) > 4*maxBody*utf8.UTFMax { // before anything is copied
		return "", invalid("A comment has at most 10,000 characters.")
	}
	body = strings.TrimSpace(strings.ReplaceAll(strings.ReplaceAll(body, "\r\n", "\n"), "\r", "\n"))
	switch {
	case body == "":
		return "", invalid("A comment needs some words.")
	case !utf8.ValidString(body) || strings.ContainsFunc(body, unspeakable):
		return "", invalid("This comment has characters that cannot be shown.")
	case utf8.RuneCountInString(body) > maxBody:
		return "", invalid("A comment has at most 10,000 characters.")
	}
	return body, nil
}

func unspeakable(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }

// NormalGuestName is the one form of a guest's name that is stored.
func NormalGuestName(name string) (string, error) {
	invalid := func(message string) error { return &record.InvalidError{Field: "guest_name", Message: message} }
	if len(name) > 4*maxGuestName*utf8.UTFMax || !utf8.ValidString(name) {
		return "", invalid("A name has at most 80 characters.")
	}
	name = norm.NFC.String(strings.TrimSpace(name))
	switch {
	case name == "":
		return "", invalid("Please give your name, so that people know who is speaking.")
	case utf8.RuneCountInString(name) > maxGuestName:
		return "", invalid("A name has at most 80 characters.")
	case strings.ContainsFunc(name, people.Unprintable):
		return "", invalid("This name has characters that cannot be shown.")
	}
	return name, nil
}
