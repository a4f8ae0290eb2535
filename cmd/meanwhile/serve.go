package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/meanwhile-app/meanwhile/frontend"
	"github.com/meanwhile-app/meanwhile/server"
	"github.com/meanwhile-app/meanwhile/server/ingest"
	"github.com/meanwhile-app/meanwhile/storage/backup/missing"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/objects/owner"
	"github.com/meanwhile-app/meanwhile/storage/record"
	"github.com/meanwhile-app/meanwhile/transcode/source"
)

const (
	// headerTime is how long a client may take to say what it wants.
	headerTime = 10 * time.Second
	// idleTime is how long a connection may wait for its next request.
	idleTime = 2 * time.Minute
	// noticeTime is how long a server that stops goes on answering, so that
	// balancers notice that it is not ready; where there is one server, nobody does.
	noticeTime = 5 * time.Second
	// drainTime is how long requests may take to finish when the server stops.
	drainTime = 15 * time.Second
	// jobTime is how long jobs may take to let go, meanwhile.
	jobTime = 10 * time.Second
	// stallTime is how long a video may wait for its next rendition before it is
	// made sure that there is a job for it.
	stallTime = 15 * time.Minute
	// auditTime is how long the audit log remembers: a year, and a month to look.
	auditTime = 400 * 24 * time.Hour
	// abandonTime is how long a write of one object may take.
	abandonTime = 24 * time.Hour
	// claimTime is how long a start waits for the store to say whose the media are.
	claimTime = 5 * time.Second
	// visitorTime is how long a visitor without an account is told from others.
	visitorTime = 3 * 24 * time.Hour
)

type serveCmd struct {
	Workers int `help:"Media jobs at once; 0 runs none, -1 as many as the machine bears." default:"-1" env:"MEANWHILE_WORKERS"`
}

// Run serves until it is told to stop.
func (c serveCmd) Run(ctx context.Context, config *Config) error {
	log := config.logger()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", config.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", config.Addr, err)
	}
	// Scripts read the address from the first line; connections wait until the
	// storage is open.
	log.Info("starting", "addr", listener.Addr().String(), "version", version)
	if err := c.serve(ctx, config, listener); err != nil {
		return errors.Join(err, closeListener(listener))
	}
	return nil
}

func closeListener(listener net.Listener) error {
	if err := listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

func (c serveCmd) serve(ctx context.Context, config *Config, listener net.Listener) (err error) {
	handlers := jobs.NewHandlers()
	slots := slotsOf(c.Workers)
	unlock, err := config.own()
	if err != nil {
		return err
	}
	defer unlock()
	a, err := openCrew(ctx, config, crew{kind: jobs.KindServer, slots: slots, handlers: handlers})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	media, err := config.objects()
	if err != nil {
		return err
	}
	base, secured, err := a.enter(ctx, listener)
	if err != nil {
		return err
	}
	letters, err := a.letters(base, handlers)
	if err != nil {
		return err
	}
	hooks, err := a.hooks(base, handlers)
	if err != nil {
		return err
	}
	instance, err := a.catalog.Begin(ctx)
	if err != nil {
		return err
	}
	overWebRTC, err := config.WHIP.open(ctx, listener.Addr(), base, a.log)
	if err != nil {
		return err
	}
	if network := overWebRTC.Network; network != nil {
		defer func() { err = errors.Join(err, network.Close()) }()
	}
	provider, err := config.OIDC.open()
	if err != nil {
		return err
	}
	s, err := server.New(server.Options{
		Mail: letters.Configured(), OIDC: provider, WHIP: overWebRTC, Catalog: a.catalog, Objects: a.objects, Bucket: a.bucket(), Log: a.log, BaseURL: base, Named: config.BaseURL != "", GrantKey: instance.GrantKey,
		Version: version, TrustedProxies: config.TrustedProxies, Files: frontend.Files(), Queue: a.queue, Census: a.census, Meter: a.meter, Tracer: a.tracer, Machine: a.machine(media, slots), Room: room(folders(config.Data, media)...),
		Budget: a.budget, Pace: &config.RateFactor, Workspaces: config.workspaces(), Webhooks: hooks, Warnings: a.warnings(),
	})
	if err != nil {
		return err
	}
	a.claim(ctx)
	if err := errors.Join(a.tidy(ctx), a.work(handlers, s.Ingest), s.Start(ctx, a.catalog, a.log)); err != nil {
		return err
	}
	if err := a.queue.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	a.log.Info("listening", "addr", listener.Addr().String(), "url", base.String(), "workers", slots)
	invite(base, instance.SetupToken)
	return a.run(ctx, s, secured)
}

// invite prints the one address to open.
func invite(base *url.URL, setupToken string) {
	address := base.String()
	if setupToken != "" {
		address = base.JoinPath("setup").String() + "?token=" + url.QueryEscape(setupToken)
	}
	fmt.Fprintf(os.Stdout, "\n  Meanwhile is at %s\n\n", address)
}

// run answers requests until the context ends, then lets them finish and hands
// the jobs back.
func (a *app) run(ctx context.Context, s *server.Server, listener net.Listener) error {
	front := newFront(s, a.log)
	failed := make(chan error, 1)
	go func() { failed <- front.Serve(listener) }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		a.log.Info("stopping: requests finish, jobs are handed back", "notice", a.notice().String())
	}
	ctx = context.WithoutCancel(ctx)
	s.Leave()
	jobsDone := make(chan error, 1)
	go func() { jobsDone <- a.letGo(ctx) }()
	if err == nil {
		front.SetKeepAlivesEnabled(false) // whoever asks again asks another server
		<-time.After(a.notice())
	}
	s.Stop()
	drain, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	if shutdown := front.Shutdown(drain); shutdown != nil {
		a.log.Warn("some requests did not finish in time and were cut", "error", shutdown)
		err = errors.Join(err, front.Close())
	}
	err = errors.Join(err, <-jobsDone)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// notice is how long a server that stops goes on answering.
func (a *app) notice() time.Duration {
	switch {
	case a.config.Drain >= 0:
		return a.config.Drain
	case a.db.Engine() == database.SQLite:
		return 0
	}
	return noticeTime
}

// letGo hands the jobs back.
func (a *app) letGo(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, jobTime)
	defer cancel()
	return a.queue.Stop(ctx)
}

// work tells what does each kind of job.
func (a *app) work(handlers *jobs.Handlers, in *ingest.Ingest) error {
	if err := a.media(handlers); err != nil {
		return err
	}
	jobs.Handle(handlers, func(ctx context.Context, _ jobs.Job[jobs.Housekeeping]) error {
		return a.later(a.keepHouse(ctx, in))
	})
	return nil
}

// keepHouse does what nobody asks for.
func (a *app) keepHouse(ctx context.Context, in *ingest.Ingest) error {
	now := a.catalog.Now()
	a.claim(ctx)
	return errors.Join(in.CloseQuiet(ctx), a.catalog.ResumeStalled(ctx, now.Add(-stallTime)),
		a.catalog.Retire(ctx), a.catalog.EmptyTrash(ctx), a.catalog.ForgetAudit(ctx, now.Add(-auditTime)), a.catalog.ForgetVisitors(ctx, now.Add(-visitorTime)), a.catalog.ForgetEvents(ctx), a.catalog.ForgetOnce(ctx), a.sweep(ctx), a.collect(ctx, now), a.missing.Again(ctx), a.abandon(ctx, now), a.budget.Sweep(ctx, now), a.webhooks.Wake(ctx), a.census.Take(ctx, a.queue, now))
}

// later puts off what a store that is away stands in the way of: that is no failure
// of the job.
func (a *app) later(err error) error {
	if wait, passes := source.Passes(err); passes {
		a.log.Warn("housekeeping waits for the media store or the database", "error", err)
		return jobs.Later(wait)
	}
	return err
}

// sweep deletes objects whose rows are gone. One that cannot be deleted is kept
// in mind and stands in nobody's way.
func (a *app) sweep(ctx context.Context) error {
	keys, err := a.catalog.Garbage(ctx)
	if err != nil || len(keys) == 0 {
		return err
	}
	if mine, err := a.owns(ctx); !mine {
		return err
	}
	var errs []error
	for _, key := range keys {
		err := a.objects.Delete(ctx, key)
		if err == nil {
			err = a.catalog.ForgetGarbage(ctx, key)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// claim says whose the media are as soon as the store answers, long before there is
// anything to delete: whoever comes later with a backup of this installation's
// records finds that the media are not his.
func (a *app) claim(ctx context.Context) {
	if a.claimed {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, claimTime)
	defer cancel()
	mine, err := a.owns(ctx)
	if err != nil {
		a.log.Warn("whose the media are is not known yet; that is tried again", "error", err)
		return
	}
	a.claimed, a.mine = true, mine
}

// owns says whether the media are this installation's to delete; those that are
// nobody's are from now on. Those of another, from whose backup this one was
// restored, are not.
func (a *app) owns(ctx context.Context) (bool, error) {
	key, err := a.catalog.GrantKey(ctx)
	if err != nil {
		return false, err
	}
	mine, err := owner.Owns(ctx, a.objects, owner.Mark(key))
	if err == nil && !mine {
		a.log.Warn("media that nobody needs any more are kept: they belong to another installation",
			"advice", "If that one is gone for good, run: meanwhile restore --own-media")
	}
	return mine, err
}

// strayPage is how many objects are looked at each time.
const strayPage = 1000

// collect deletes objects that no record names, and that are older than any write
// takes: who wrote them was killed in between. It goes through all that is kept,
// page by page, and begins again at the end.
func (a *app) collect(ctx context.Context, now time.Time) error {
	store, ok := a.objects.(objects.Lister)
	if !ok {
		return nil
	}
	after := a.collected
	page, err := store.List(ctx, "v/", after, strayPage)
	if err != nil {
		return err
	}
	a.collected = ""
	if len(page) == strayPage {
		a.collected = page[len(page)-1].Key
	}
	if err := a.compare(ctx, after, page); err != nil {
		a.log.Warn("whether media is missing could not be found out", "error", err)
	}
	page = slices.DeleteFunc(page, func(o objects.Info) bool { return now.Sub(o.Modified) < abandonTime })
	keys := make([]string, len(page))
	for i, o := range page {
		keys[i] = o.Key
	}
	strays, err := a.catalog.Strays(ctx, keys)
	if err != nil || len(strays) == 0 {
		return err
	}
	if mine, err := a.owns(ctx); !mine {
		return err
	}
	errs := make([]error, 0, len(strays))
	for _, key := range strays {
		a.log.Info("an object that no record names is deleted", "key", key)
		errs = append(errs, a.objects.Delete(ctx, key))
	}
	return errors.Join(errs...)
}

// compare notes which videos lack something that is not among what is kept.
func (a *app) compare(ctx context.Context, after string, found []objects.Info) error {
	page := missing.Page{After: after, Last: a.collected, Sizes: make(map[string]int64, len(found))}
	for _, o := range found {
		page.Sizes[o.Key] = o.Size
	}
	return a.missing.Compare(ctx, page)
}

// bucket is where players fetch media by themselves, if they do.
func (a *app) bucket() objects.Presigner {
	bucket, ok := a.objects.(objects.Presigner)
	if !ok || a.config.Delivery == "server" {
		return nil
	}
	return bucket
}

// tidy clears up after a crash, before anything is written, where nobody else writes
// into the folder of the media. Everywhere else that has time.
func (a *app) tidy(ctx context.Context) error {
	folder, ok := a.objects.(*objects.Folder)
	if !ok || !a.mine || !a.config.embedded() {
		return nil
	}
	_, err := folder.AbortUploads(ctx, a.catalog.Now().Add(abandonTime))
	return err
}

// abandon gives up large writes that a crash cut off: their parts cost room that
// nobody sees.
func (a *app) abandon(ctx context.Context, now time.Time) error {
	janitor, ok := a.objects.(objects.Janitor)
	if !ok {
		return nil
	}
	n, err := janitor.AbortUploads(ctx, now.Add(-abandonTime))
	if n > 0 {
		a.log.Info("unfinished writes were given up", "count", n)
	}
	return err
}

type openapiCmd struct{}

// Run prints the API's description; nothing is opened for it.
func (openapiCmd) Run() error {
	s, err := server.New(server.Options{Catalog: catalog.New(record.Options{}), BaseURL: &url.URL{Scheme: "http", Host: "localhost:8080"}, Version: "1"})
	if err != nil {
		return err
	}
	raw, err := s.OpenAPI()
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(append(raw, '\n'))
	return err
}
