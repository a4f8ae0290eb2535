package people

import (
	"context"

	"github.com/meanwhile-app/meanwhile/storage/record"
)

// LinkNamed gives an account, within the transaction that verifies its address
// or makes it, what was shared with that address before.
func LinkNamed(ctx context.Context, tx record.Change, account *Account) error {
	_, err := tx.NewRaw(`UPDATE video_people SET account_id = ? WHERE email = ? AND account_id IS NULL
		AND NOT EXISTS (SELECT 1 FROM video_people AS other WHERE other.account_id = ? AND other.video_id = video_people.video_id)`,
		account.ID, account.Email, account.ID).Exec(ctx)
	return err
}
