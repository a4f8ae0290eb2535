package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/objects/mirror"
	"github.com/meanwhile-app/meanwhile/storage/transfer"
)

type migrateCmd struct {
	Schema migrateSchemaCmd `cmd:"" default:"1" help:"Bring the database to this release's schema, then stop."`
	Copy   migrateCopyCmd   `cmd:"" help:"Copy an installation with SQLite to PostgreSQL, and its media to another store. May be cut off and called again."`
}

type migrateSchemaCmd struct{}

// Run migrates the database and stops.
func (migrateSchemaCmd) Run(ctx context.Context, config *Config) error {
	a, err := open(ctx, config, tool())
	if err != nil {
		return err
	}
	return a.close()
}

type migrateCopyCmd struct {
	ToDatabaseURL string `help:"Where the records go: postgres://USER:PASSWORD@HOST/NAME, an empty database." env:"MEANWHILE_TO_DATABASE_URL" name:"to-database-url"`
	ToObjectsURL  string `help:"Where the media go: s3://bucket?endpoint=https://host&region=name, or a folder. Default: they stay where they are." env:"MEANWHILE_TO_OBJECTS_URL" name:"to-objects-url"`
	ObjectsOnly   bool   `help:"Copy the media alone, which a running server bears; the records follow when it is stopped."`
	Quick         bool   `help:"Believe the stores' checksums and lengths, and do not read the media back to compare them."`
}

// Run copies media, then records.
func (c migrateCopyCmd) Run(ctx context.Context, config *Config) error {
	if err := c.check(config); err != nil {
		return err
	}
	if !c.ObjectsOnly {
		unlock, err := config.own() // nobody writes what is copied
		if err != nil {
			return err
		}
		defer unlock()
	}
	a, err := open(ctx, config, tool())
	if err != nil {
		return err
	}
	err = c.objects(ctx, a)
	if err == nil && !c.ObjectsOnly {
		err = c.records(ctx, a)
	}
	return errors.Join(err, a.close())
}

func (c migrateCopyCmd) check(config *Config) error {
	switch {
	case !config.embedded():
		return errors.New("migrate copy moves an installation with SQLite; MEANWHILE_DATABASE_URL names another")
	case c.ObjectsOnly && c.ToObjectsURL == "":
		return errors.New("--objects-only needs --to-objects-url")
	case !c.ObjectsOnly && c.ToDatabaseURL == "":
		return errors.New("--to-database-url is missing: postgres://USER:PASSWORD@HOST/NAME")
	case c.ToObjectsURL != "":
		return objects.Check(c.ToObjectsURL)
	}
	return nil
}

func (c migrateCopyCmd) objects(ctx context.Context, a *app) (err error) {
	if c.ToObjectsURL == "" {
		return nil
	}
	to, err := objects.Open(ctx, c.ToObjectsURL, a.config.S3.options())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	source, ok := a.objects.(mirror.Source)
	target, also := to.(mirror.Source)
	if !ok || !also {
		return errors.New("one of the stores cannot list what it holds")
	}
	copied, err := mirror.Mirror{From: source, To: target, Compare: !c.Quick, Log: a.log}.Copy(ctx)
	if err != nil {
		return fmt.Errorf("media: %w; call it again to go on", err)
	}
	_, err = fmt.Fprint(os.Stdout, mediaReport(copied))
	return err
}

// mediaReport says what came over.
func mediaReport(copied mirror.Copied) string {
	said := fmt.Sprintf("Media: %d objects, %d bytes; %d of them copied now, %d read back and equal.\n", copied.Objects, copied.Bytes, copied.Copied, copied.Compared)
	if copied.Gone > 0 {
		said += fmt.Sprintf("%d objects were deleted while they were to be copied. That is right beside a server that runs; else look what else writes there.\n", copied.Gone)
	}
	return said
}

func (c migrateCopyCmd) records(ctx context.Context, a *app) (err error) {
	to, err := database.Open(ctx, c.ToDatabaseURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if err := to.Migrate(ctx, a.log); err != nil {
		return err
	}
	if err := jobs.Migrate(ctx, to, a.log); err != nil {
		return err
	}
	// Letters come along, whether or not this command was told of a mail server.
	queue, err := jobs.Open(jobs.Options{DB: to, Log: a.log, Mail: true})
	if err != nil {
		return err
	}
	moved, err := transfer.Records{From: a.db, To: to, Queue: queue, Log: a.log}.Copy(ctx)
	if err != nil {
		return fmt.Errorf("records: %w", err)
	}
	fmt.Fprintf(os.Stdout, "Records: %d rows of %d tables, read back and equal; %d jobs go on there.\n", moved.Rows, moved.Tables, moved.Jobs)
	if moved.Mended > 0 {
		fmt.Fprintf(os.Stdout, "%d texts held bytes that PostgreSQL does not keep; they were replaced by �.\n", moved.Mended)
	}
	fmt.Fprintln(os.Stdout, "Now start the servers with the new MEANWHILE_DATABASE_URL and MEANWHILE_OBJECTS_URL. Keep the old data folder until you are content.")
	return nil
}
