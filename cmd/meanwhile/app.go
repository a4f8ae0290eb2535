package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/meanwhile-app/meanwhile/cmd/meanwhile/telemetry"
	"github.com/meanwhile-app/meanwhile/server/health"
	"github.com/meanwhile-app/meanwhile/storage/backup/missing"
	"github.com/meanwhile-app/meanwhile/storage/budget"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/census"
	"github.com/meanwhile-app/meanwhile/storage/clocks"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/record"
	"github.com/meanwhile-app/meanwhile/storage/trace"
	"github.com/meanwhile-app/meanwhile/storage/webhook"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg/sandbox"
)

// app is the storage that every command stands on.
type app struct {
	config  *Config
	log     *slog.Logger
	db      *database.DB
	objects objects.Keeper
	// collected is how far the search for objects that nobody names has come; one
	// job at a time goes on from there.
	collected string
	// claimed says that it is known whose the media are, and mine that they are this
	// installation's.
	claimed, mine bool
	queue         *jobs.Queue
	catalog       *catalog.Catalog
	budget        *budget.Store
	// webhooks are the programs that workspaces tell of their events.
	webhooks *webhook.Store
	census   *census.Census
	missing  *missing.Media
	// meter counts what this process does; tracer is nil unless traces are wanted,
	// and untrace sends the last of them.
	meter   *health.Meter
	tracer  *trace.Tracer
	untrace func()
	// runner starts ffmpeg, and safety says how well that is contained.
	runner *ffmpeg.Runner
	safety sandbox.Status
}

// crew is the part of a process that works on jobs.
type crew struct {
	// kind is one of the queue's kinds of process.
	kind     string
	slots    int
	handlers *jobs.Handlers
}

// tool is a process that works on none.
func tool() crew { return crew{} }

// open opens and migrates the storage.
func open(ctx context.Context, config *Config, crew crew) (*app, error) {
	a := &app{config: config, log: config.logger(), meter: health.NewMeter(version), untrace: func() {}}
	if err := a.start(ctx, crew); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

func (a *app) start(ctx context.Context, crew crew) error {
	media, err := a.config.objects()
	if err != nil {
		return err
	}
	if crew.kind != "" {
		a.tracer, a.untrace, err = telemetry.Open(ctx, telemetry.Options{Endpoint: a.config.OTLP, Kind: crew.kind, Version: version, Log: a.log})
		if err != nil {
			return err
		}
	}
	if a.db, err = database.Open(ctx, a.config.database()); err != nil {
		return err
	}
	if err := a.migrate(ctx); err != nil {
		return err
	}
	how := a.config.S3.options()
	how.Done = a.meter.ObjectAsked
	if a.objects, err = objects.Open(ctx, media, how); err != nil {
		return err
	}
	theirs := clocks.OfDatabase(nil, a.log)
	if a.queue, err = jobs.Open(jobs.Options{
		DB: a.db, Log: a.log, Clock: theirs, Slots: crew.slots, Handlers: crew.handlers, Kind: crew.kind, Version: version, Mail: a.config.SMTPURL != "", Webhooks: crew.kind == jobs.KindServer,
		Watch: jobs.Watch{Tracer: a.tracer, Done: a.meter.JobEnded},
	}); err != nil {
		return err
	}
	a.budget, a.census = budget.New(a.db), census.New(a.db)
	a.catalog = catalog.New(record.Options{DB: a.db, Queue: a.queue, Log: a.log, Clock: theirs})
	a.webhooks, a.missing = webhook.New(a.catalog.Store), missing.New(a.db, objects.Has(a.objects), a.catalog.Now)
	return a.catalog.SyncClock(ctx)
}

// embedded says that the database is a file of this machine.
func (c *Config) embedded() bool { return strings.HasPrefix(c.database(), "sqlite:") }

func (a *app) migrate(ctx context.Context) error {
	if a.config.embedded() { // PostgreSQL has a lock of its own for that
		unlock, err := lockMigrations(a.config.Data)
		if err != nil {
			return err
		}
		defer unlock()
	}
	if err := a.db.Migrate(ctx, a.log); err != nil {
		return err
	}
	return jobs.Migrate(ctx, a.db, a.log)
}

func (a *app) close() error {
	if a.untrace != nil {
		a.untrace()
	}
	var errs []error
	if a.objects != nil {
		errs = append(errs, a.objects.Close())
	}
	if a.db != nil {
		errs = append(errs, a.db.Close())
	}
	return errors.Join(errs...)
}
