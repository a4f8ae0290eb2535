// Command meanwhile is the whole product in one binary: the server, its
// workers, and the tools to look after them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/meanwhile-app/meanwhile/cmd/meanwhile/doctor"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg/sandbox"
)

// version is set by the build.
var version = "dev"

// commands is what the command line understands.
type commands struct {
	Config `embed:""`

	Serve   serveCmd   `cmd:"" help:"Run the server and its workers."`
	Worker  workerCmd  `cmd:"" help:"Convert media for servers that share a PostgreSQL database and an object store, on a machine of its own."`
	Migrate migrateCmd `cmd:"" help:"Bring the database to this release's schema, or copy an installation to PostgreSQL and S3."`
	Backup  backupCmd  `cmd:"" help:"Copy the data of a server with SQLite and a folder, while it runs."`
	Restore restoreCmd `cmd:"" help:"Bring a backup back to an empty data folder, and end the sessions of before."`
	OpenAPI openapiCmd `cmd:"" name:"openapi" help:"Print the API's description (OpenAPI 3.1)."`
	Doctor  doctorCmd  `cmd:"" help:"Check ffmpeg, disk, media store, database, clock and address, and say what to do."`
	Version versionCmd `cmd:"" help:"Print the version."`
	User    userCmd    `cmd:"" help:"Accounts."`
	Token   tokenCmd   `cmd:"" help:"API tokens."`
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run() error {
	_, err := fmt.Println("meanwhile", version)
	return err
}

type doctorCmd struct {
	JSON   bool `help:"Print JSON instead of a table." name:"json"`
	Health bool `help:"Only ask the running server whether it lives; for a container's health check."`
	Media  bool `help:"Look for everything that the records name, too, and compare it with what was kept; that reads all media." name:"objects"`
}

// Run checks the machine and the data, or asks the running server.
func (c doctorCmd) Run(ctx context.Context, config *Config) error {
	if c.Health {
		return doctor.AskHealth(ctx, config.listens())
	}
	found, err := c.examine(ctx, config)
	return errors.Join(doctor.Report(os.Stdout, found, c.JSON), err)
}

func (c doctorCmd) examine(ctx context.Context, config *Config) (found []doctor.Finding, err error) {
	p := config.patient()
	media, wrong := config.objects()
	_, folder := objects.FolderPath(media)
	if wrong != nil || folder && !c.Media { // opening a folder would make it
		return doctor.Examine(ctx, p), nil
	}
	store, err := objects.Open(ctx, media, config.S3.options())
	if err == nil {
		defer func() { err = errors.Join(err, store.Close()) }()
	}
	if !folder {
		p.Bucket = &doctor.Bucket{Store: store, Err: err, Redirect: config.Delivery != "server"}
	}
	found = doctor.Examine(ctx, p)
	if c.Media && err == nil {
		found = append(found, doctor.ExamineMedia(ctx, config.database(), store)...)
	}
	return found, nil
}

func main() {
	if status, mine := sandbox.Dispatch(os.Args); mine {
		os.Exit(status)
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "meanwhile:", err)
		os.Exit(1)
	}
}

func run() error {
	// The first signal asks to finish what runs; the second ends at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	keepPrivate()
	if err := readSecretFiles(); err != nil {
		return err
	}
	cli := new(commands)
	parser, err := kong.New(cli,
		kong.Name("meanwhile"),
		kong.Description("Self-hosted asynchronous video messaging. Settings are flags or variables of the environment; a variable with _FILE at its end names a file that holds the value."),
		kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		return err
	}
	command, err := parser.Parse(os.Args[1:])
	if _, wrong := errors.AsType[*kong.ParseError](err); wrong {
		parser.FatalIfErrorf(err)
	}
	if err != nil {
		return err
	}
	command.Bind(&cli.Config)
	return command.Run()
}
