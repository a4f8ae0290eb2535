package people_test

import (
	"context"
	"encoding/base64"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/clocks"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// clock is a time that tests move by hand.
type clock struct{ us atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.us.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMicro(c.us.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.us.Add(d.Microseconds()) }

// nowhere takes jobs that nobody does.
type nowhere struct{}

func (nowhere) InsertAll(context.Context, bun.Tx, []jobs.Wanted) error { return nil }

// accountsCatalog is a catalog on a fresh database, with a clock.
func accountsCatalog(t *testing.T, engine database.Engine) (*people.People, *clock) {
	t.Helper()
	db, log := databasetest.New(t, engine), slog.New(slog.DiscardHandler)
	ticks := newClock()
	return people.New(record.NewStore(record.Options{DB: db, Queue: nowhere{}, Log: log, Clock: clocks.OfDatabase(ticks.now, log)})), ticks
}

func person(name string) people.NewAccount {
	return people.NewAccount{Name: name, Email: strings.ToLower(name) + "@example.org", PasswordHash: "hash of " + name}
}

func addAccount(t *testing.T, c *people.People, name string) *people.Account {
	t.Helper()
	account, err := c.AddAccount(t.Context(), person(name), people.Member)
	require.NoError(t, err)
	return account
}

func TestSetupTokenMakesOneOwner(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		c, _ := accountsCatalog(t, engine)
		ctx := t.Context()

		first, err := c.Begin(ctx)
		require.NoError(t, err)
		require.Len(t, first.GrantKey, 32)
		require.NotEmpty(t, first.SetupToken)
		again, err := c.Begin(ctx)
		require.NoError(t, err)
		require.Equal(t, first.GrantKey, again.GrantKey, "grants outlive a restart")
		wrong := []string{"", "wrong", base64.RawURLEncoding.EncodeToString(first.GrantKey)}
		if engine == database.PostgreSQL {
			require.Equal(t, first.SetupToken, again.SetupToken, "another server of the same cluster prints it, too")
		} else {
			require.NotEqual(t, first.SetupToken, again.SetupToken)
			wrong = append(wrong, first.SetupToken)
		}

		for _, token := range wrong {
			_, err = c.CreateOwner(ctx, token, person("Mallory"))
			require.ErrorIs(t, err, people.ErrToken, token)
		}
		needed, err := c.SetupNeeded(ctx)
		require.NoError(t, err)
		require.True(t, needed)

		require.NoError(t, c.CheckSetup(ctx, again.SetupToken))
		owner, err := c.CreateOwner(ctx, again.SetupToken, person("Ada"))
		require.NoError(t, err)
		require.Equal(t, people.Owner, owner.RoleIn(owner.WorkspaceID))
		_, err = c.CreateOwner(ctx, again.SetupToken, person("Mallory"))
		require.ErrorIs(t, err, people.ErrSetUp)
		require.ErrorIs(t, c.CheckSetup(ctx, again.SetupToken), people.ErrSetUp)

		last, err := c.Begin(ctx)
		require.NoError(t, err)
		require.Empty(t, last.SetupToken)
	})
}

func TestOnlyOneOfManySetupsWins(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		c, _ := accountsCatalog(t, engine)
		begun, err := c.Begin(t.Context())
		require.NoError(t, err)
		var won atomic.Int32
		var wait sync.WaitGroup
		for i := range 8 {
			wait.Go(func() {
				err := databasetest.Insist(func() error {
					_, err := c.CreateOwner(t.Context(), begun.SetupToken, person(string(rune('A'+i))))
					return err
				})
				if err == nil {
					won.Add(1)
				}
			})
		}
		wait.Wait()
		require.EqualValues(t, 1, won.Load())
		all, err := c.Accounts(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 1)
	})
}

func TestAnAccountMadeByHandVoidsTheSetupToken(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		c, _ := accountsCatalog(t, engine)
		begun, err := c.Begin(t.Context())
		require.NoError(t, err)
		addAccount(t, c, "Ada")
		_, err = c.CreateOwner(t.Context(), begun.SetupToken, person("Mallory"))
		require.ErrorIs(t, err, people.ErrSetUp)
	})
}

func TestAddressesAreOneWhateverTheirCase(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		c, _ := accountsCatalog(t, engine)
		ada := addAccount(t, c, "Ada")
		found, err := c.AccountByEmail(t.Context(), "  ADA@Example.ORG ")
		require.NoError(t, err)
		require.Equal(t, ada.ID, found.ID)
		_, err = c.AddAccount(t.Context(), people.NewAccount{Name: "Ada", Email: "ADA@example.org"}, people.Member)
		require.ErrorIs(t, err, people.ErrEmailTaken)
		_, err = c.AccountByEmail(t.Context(), "not an address")
		require.ErrorIs(t, err, record.ErrNotFound)
	})
}

func TestNormalEmail(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"a@b", "a.b+c@example.org", "josé@exämple.org", "x_y-z@sub.example.co"} {
		got, err := people.NormalEmail(" " + strings.ToUpper(good))
		require.NoError(t, err, good)
		require.Equal(t, good, got)
	}
	bad := []string{
		"", "@", "a@", "@b", "a b@c", "a@b@c", "Ada <a@b.org>", `"a b"@c.org`, "a@[127.0.0.1]", "a@b.org, c@d.org",
		"a\x00@b.org", "a@b.org\r\nBcc: x@y.org", "a\u202e@b.org", "\xff@b.org", strings.Repeat("a", 250) + "@b.org", "(comment)a@b.org",
	}
	for _, email := range bad {
		_, err := people.NormalEmail(email)
		var invalid *record.InvalidError
		require.ErrorAs(t, err, &invalid, "%q", email)
		require.Equal(t, "email", invalid.Field)
	}
}

func TestNormalName(t *testing.T) {
	t.Parallel()
	got, err := people.NormalName("  Zoë 👩‍💻 O'Neil\t")
	require.NoError(t, err)
	require.Equal(t, "Zoë 👩‍💻 O'Neil", got)
	bad := []string{"", "   ", "a\x00b", "a\nb", "\xff", "evil\u202ename", strings.Repeat("x", 101), strings.Repeat("x", 1<<20)}
	for _, name := range bad {
		_, err := people.NormalName(name)
		var invalid *record.InvalidError
		require.ErrorAs(t, err, &invalid, "%.20q", name)
	}
}

func TestAPasswordChangeEndsEverythingElse(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		c, _ := accountsCatalog(t, engine)
		ctx := t.Context()
		ada, bob := addAccount(t, c, "Ada"), addAccount(t, c, "Bob")
		here, other, foreign := signIn(t, c, ada), signIn(t, c, ada), signIn(t, c, bob)
		_, token, err := c.AddToken(ctx, people.NewToken{Account: ada, Name: "script", Scope: people.ScopeRead})
		require.NoError(t, err)

		change := people.PasswordChange{Account: ada, NewHash: "new", KeepSession: record.HashToken(here)}
		require.NoError(t, c.ChangePassword(ctx, change))
		requireSession(t, c, here, true)
		requireSession(t, c, other, false)
		requireSession(t, c, foreign, true)
		_, err = c.Token(ctx, record.HashToken(token))
		require.ErrorIs(t, err, record.ErrNotFound)
		changed, err := c.Account(ctx, ada.ID)
		require.NoError(t, err)
		require.Greater(t, changed.Epoch, ada.Epoch, "nor does what was opened before play on")

		// The password that ada holds is the old one: nothing can be done with it.
		require.ErrorIs(t, c.ChangePassword(ctx, change), record.ErrNotFound)
		_, err = c.StartSession(ctx, ada, people.Entry{Method: people.ByPassword})
		require.ErrorIs(t, err, record.ErrNotFound)
	})
}

func TestRename(t *testing.T) {
	t.Parallel()
	databasetest.EachEngine(t, func(t *testing.T, engine database.Engine) {
		c, _ := accountsCatalog(t, engine)
		ada := addAccount(t, c, "Ada")
		var renamed *people.Account
		err := c.Write(t.Context(), func(ctx context.Context, tx record.Change) (err error) {
			renamed, err = people.Rename(ctx, tx, ada.ID, " Ada Lovelace ")
			return err
		})
		require.NoError(t, err)
		require.Equal(t, "Ada Lovelace", renamed.Name)
		require.Equal(t, ada.Email, renamed.Email)
		found, err := c.Account(t.Context(), ada.ID)
		require.NoError(t, err)
		require.Equal(t, renamed.Name, found.Name)
	})
}

func signIn(t *testing.T, c *people.People, account *people.Account) string {
	t.Helper()
	token, err := c.StartSession(t.Context(), account, people.Entry{Method: people.ByPassword})
	require.NoError(t, err)
	return token
}

func requireSession(t *testing.T, c *people.People, token string, alive bool) {
	t.Helper()
	_, err := c.Session(context.WithoutCancel(t.Context()), record.HashToken(token))
	if alive {
		require.NoError(t, err)
	} else {
		require.ErrorIs(t, err, record.ErrNotFound)
	}
}
