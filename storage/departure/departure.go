// Package departure is about people who take what is theirs along, or go for
// good: it lists all that belongs to an account, and removes the account with it.
package departure

import (
	"cmp"
	"context"
	"errors"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// DeletedName stands at the comments of somebody who has left.
const DeletedName = "Deleted account"

// ErrLastOperator says that nobody would be left who may look after the server.
var ErrLastOperator = errors.New("the last operator goes while others stay")

// LastOperator returns ErrLastOperator if an account may not go for that reason.
func (s *Store) LastOperator(ctx context.Context, accountID string) error {
	return lastOperator(ctx, s.DB.Reader, accountID)
}

func lastOperator(ctx context.Context, db bun.IDB, accountID string) error {
	var last bool
	err := db.NewRaw(`SELECT EXISTS (SELECT 1 FROM accounts WHERE id = ?0 AND operator) AND EXISTS (SELECT 1 FROM accounts WHERE id <> ?0)
		AND NOT EXISTS (SELECT 1 FROM accounts WHERE id <> ?0 AND operator AND disabled_at IS NULL)`, accountID).Scan(ctx, &last)
	if err == nil && last {
		return ErrLastOperator
	}
	return record.Translate(err)
}

// Store is the door to these records.
type Store struct{ *people.People }

// New makes a door over the records of people.
func New(p *people.People) *Store { return &Store{People: p} }

// Orphaned lists the workspaces that others belong to and that would be left
// without an owner, by name.
func (s *Store) Orphaned(ctx context.Context, accountID string) ([]string, error) {
	return orphaned(ctx, s.DB.Reader, accountID)
}

func orphaned(ctx context.Context, db bun.IDB, accountID string) ([]string, error) {
	var names []string
	err := db.NewRaw(`SELECT workspaces.name FROM workspaces JOIN memberships ON memberships.workspace_id = workspaces.id
		WHERE memberships.account_id = ?0 AND memberships.role = 'owner'
		AND NOT EXISTS (SELECT 1 FROM memberships AS o WHERE o.workspace_id = workspaces.id AND o.role = 'owner' AND o.account_id <> ?0)
		AND EXISTS (SELECT 1 FROM memberships AS o WHERE o.workspace_id = workspaces.id AND o.account_id <> ?0)
		ORDER BY workspaces.name`, accountID).Scan(ctx, &names)
	return names, record.Translate(err)
}

// Shared lists the workspaces of an account that others belong to as well.
func (s *Store) Shared(ctx context.Context, accountID string) ([]string, error) {
	var ids []string
	err := s.DB.Reader.NewRaw(`SELECT workspace_id FROM memberships WHERE account_id = ?0
		AND EXISTS (SELECT 1 FROM memberships AS o WHERE o.workspace_id = memberships.workspace_id AND o.account_id <> ?0)
		ORDER BY workspace_id`, accountID).Scan(ctx, &ids)
	return ids, record.Translate(err)
}

// OwnVideos lists the videos of an account, those in the trash too.
func (s *Store) OwnVideos(ctx context.Context, accountID string) ([]string, error) {
	var ids []string
	err := s.DB.Reader.NewRaw("SELECT id FROM videos WHERE owner_id = ? ORDER BY id", accountID).Scan(ctx, &ids)
	return ids, record.Translate(err)
}

// OwnComment is a comment of an account.
type OwnComment struct {
	ID string
	// Answered says that somebody else has answered it.
	Answered bool
}

// OwnComments lists the comments of an account, answers first.
func (s *Store) OwnComments(ctx context.Context, accountID string) ([]OwnComment, error) {
	var all []OwnComment
	err := s.DB.Reader.NewRaw(`SELECT id, EXISTS (SELECT 1 FROM comments AS answer WHERE answer.parent_id = comments.id AND answer.author_id IS DISTINCT FROM ?0) AS answered
		FROM comments WHERE author_id = ?0 ORDER BY parent_id IS NULL, id`, accountID).Scan(ctx, &all)
	return all, record.Translate(err)
}

// Remove removes an account with all that is its own but videos, of which there
// must be none any more: people.ErrHeir if there are. Its comments stay under
// DeletedName. viewer is its key among those who have watched.
func (s *Store) Remove(ctx context.Context, account *people.Account, viewer string) error {
	return s.Write(ctx, func(ctx context.Context, tx record.Change) error {
		left, err := tx.NewSelect().Table("videos").Where("owner_id = ?", account.ID).Exists(ctx)
		if err != nil {
			return err
		}
		if left {
			return people.ErrHeir
		}
		// Somebody may have joined since it was looked at; here nobody can.
		if names, err := orphaned(ctx, tx, account.ID); err != nil || len(names) > 0 {
			return cmp.Or(err, people.ErrLastOwner)
		}
		if err := lastOperator(ctx, tx, account.ID); err != nil {
			return err
		}
		if err := people.LoseRights(ctx, tx, account.ID); err != nil {
			return err
		}
		if err := anonymize(ctx, tx, account.ID); err != nil {
			return err
		}
		for _, r := range remains(account, viewer) {
			if _, err := tx.NewRaw(r.statement, r.values...).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

type removal struct {
	statement string
	values    []any
}

// remains are the rows that do not go with the account by themselves, then the
// account, then workspaces that nobody belongs to.
func remains(account *people.Account, viewer string) []removal {
	return []removal{
		{"DELETE FROM views WHERE viewer = ?", []any{viewer}},
		{"DELETE FROM video_people WHERE email = ?", []any{account.Email}},
		{"DELETE FROM one_time_links WHERE email = ?", []any{account.Email}},
		{"DELETE FROM invitations WHERE email = ?", []any{account.Email}},
		{"DELETE FROM accounts WHERE id = ?", []any{account.ID}},
		{`DELETE FROM workspaces WHERE NOT EXISTS (SELECT 1 FROM memberships WHERE memberships.workspace_id = workspaces.id)
			AND NOT EXISTS (SELECT 1 FROM videos WHERE videos.workspace_id = workspaces.id)
			AND EXISTS (SELECT 1 FROM workspaces AS other WHERE other.id <> workspaces.id)`, nil},
	}
}

// anonymize takes the name from the comments of an account. Whoever follows
// them sees the change.
func anonymize(ctx context.Context, tx record.Change, accountID string) error {
	var comments []struct{ ID, VideoID string }
	if err := tx.NewRaw("SELECT id, video_id FROM comments WHERE author_id = ?", accountID).Scan(ctx, &comments); err != nil {
		return err
	}
	_, err := tx.NewRaw("UPDATE videos SET comments_version = comments_version + 1 WHERE id IN (SELECT video_id FROM comments WHERE author_id = ?)", accountID).Exec(ctx)
	if err != nil {
		return err
	}
	_, err = tx.NewRaw(`UPDATE comments SET author_id = NULL, guest_name = ?, version = (SELECT comments_version FROM videos WHERE videos.id = comments.video_id)
		WHERE author_id = ?`, DeletedName, accountID).Exec(ctx)
	for _, c := range comments {
		tx.Tell(record.Event{Kind: record.CommentChanged, VideoID: c.VideoID, CommentID: c.ID})
	}
	return err
}
