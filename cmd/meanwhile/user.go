package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/credential"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// accounts is what the commands below need of the catalog.
type accounts interface {
	AddAccount(ctx context.Context, n people.NewAccount, role people.Role) (*people.Account, error)
	AccountByEmail(ctx context.Context, email string) (*people.Account, error)
	AddToken(ctx context.Context, n people.NewToken) (*people.APIToken, string, error)
	SetDisabled(ctx context.Context, accountID string, disabled bool) error
}

type userCmd struct {
	Add     userAddCmd     `cmd:"" help:"Make an account. The password is read from standard input."`
	Disable userDisableCmd `cmd:"" help:"Lock an account out: its sessions and API tokens end at once."`
	Enable  userEnableCmd  `cmd:"" help:"Let a locked account in again."`
	Reset   userResetCmd   `cmd:"" help:"Print a link that signs an account in once, to set a new password; it is good for 30 minutes."`
}

type userAddCmd struct {
	Email string `help:"E-mail address to sign in with." required:""`
	Name  string `help:"Name that others see." required:""`
	Role  string `help:"owner, admin, member or viewer of the first workspace; an owner may look after the server, too." enum:"owner,admin,member,viewer" default:"member"`
}

// Run makes an account. It may run beside a server.
func (cmd userAddCmd) Run(ctx context.Context, config *Config) error {
	return withAccounts(ctx, config, func(a accounts) error { return cmd.add(ctx, a, os.Stdin, os.Stdout) })
}

func (cmd userAddCmd) add(ctx context.Context, a accounts, in io.Reader, out io.Writer) error {
	password, err := readPassword(in)
	if err != nil {
		return err
	}
	hash, err := auth.NewHasher().Hash(ctx, password)
	if err != nil {
		return err
	}
	account, err := a.AddAccount(ctx, people.NewAccount{Name: cmd.Name, Email: cmd.Email, PasswordHash: hash}, people.Role(cmd.Role))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s can sign in as %s (%s)\n", account.Name, account.Email, account.RoleIn(account.WorkspaceID))
	return err
}

// maxPasswordLine is more than any password that is accepted.
const maxPasswordLine = 8 << 10

// readPassword reads the first line, without its end.
func readPassword(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, maxPasswordLine)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password from standard input: %w", err)
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("give the password on standard input, e.g. printf '%s' \"$PASSWORD\" | meanwhile user add …")
	}
	return line, nil
}

type tokenCmd struct {
	Add tokenAddCmd `cmd:"" help:"Make an API token and print it."`
}

type tokenAddCmd struct {
	Email string `help:"Whose account the token acts for." required:""`
	Scope string `help:"read, write or admin." enum:"read,write,admin" default:"write"`
	Name  string `help:"To know the token again by." default:"command line"`
	// Expires is a number of days as the API takes it.
	Expires int `help:"Days until the token expires; 0 is never." default:"0"`
}

// Run makes an API token. It may run beside a server.
func (cmd tokenAddCmd) Run(ctx context.Context, config *Config) error {
	return withAccounts(ctx, config, func(a accounts) error { return cmd.add(ctx, a, os.Stdout) })
}

// add prints the token and nothing else, so that scripts can use it.
func (cmd tokenAddCmd) add(ctx context.Context, a accounts, out io.Writer) error {
	account, err := accountOf(ctx, a, cmd.Email)
	if err != nil {
		return err
	}
	if cmd.Expires < 0 {
		return errors.New("--expires is a number of days")
	}
	_, token, err := a.AddToken(ctx, people.NewToken{
		Account: account, Name: cmd.Name, Scope: people.Scope(cmd.Scope), Life: time.Duration(cmd.Expires) * 24 * time.Hour,
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, token)
	return err
}

func accountOf(ctx context.Context, a accounts, email string) (*people.Account, error) {
	account, err := a.AccountByEmail(ctx, email)
	if errors.Is(err, record.ErrNotFound) {
		return nil, fmt.Errorf("there is no account with the address %q", email)
	}
	return account, err
}

type userDisableCmd struct {
	Email string `help:"Whose account." required:""`
}

// Run locks an account out. It may run beside a server.
func (cmd userDisableCmd) Run(ctx context.Context, config *Config) error {
	return withAccounts(ctx, config, func(a accounts) error { return setDisabled(ctx, a, cmd.Email, true) })
}

type userEnableCmd struct {
	Email string `help:"Whose account." required:""`
}

// Run lets an account in again.
func (cmd userEnableCmd) Run(ctx context.Context, config *Config) error {
	return withAccounts(ctx, config, func(a accounts) error { return setDisabled(ctx, a, cmd.Email, false) })
}

func setDisabled(ctx context.Context, a accounts, email string, disabled bool) error {
	account, err := accountOf(ctx, a, email)
	if err != nil {
		return err
	}
	return a.SetDisabled(ctx, account.ID, disabled)
}

type userResetCmd struct {
	Email string `help:"Whose account." required:""`
}

// Run prints the link and nothing else.
func (cmd userResetCmd) Run(ctx context.Context, config *Config) error {
	a, err := open(ctx, config, tool())
	if err != nil {
		return err
	}
	return errors.Join(cmd.reset(ctx, a, os.Stdout), a.close())
}

func (cmd userResetCmd) reset(ctx context.Context, a *app, out io.Writer) error {
	if _, err := accountOf(ctx, a.catalog, cmd.Email); err != nil {
		return err
	}
	base, err := a.config.base(text(a.config.Addr))
	if err != nil {
		return err
	}
	token, _, err := credential.New(a.catalog.People).MakeLink(ctx, cmd.Email)
	if errors.Is(err, record.ErrNotFound) {
		return fmt.Errorf("the account %q is disabled; enable it first", cmd.Email)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, auth.LinkAddress(base, token, "/settings#password"))
	return err
}

// withAccounts opens the storage for a command and closes it again.
func withAccounts(ctx context.Context, config *Config, do func(accounts) error) error {
	a, err := open(ctx, config, tool())
	if err != nil {
		return err
	}
	return errors.Join(do(a.catalog), a.close())
}
