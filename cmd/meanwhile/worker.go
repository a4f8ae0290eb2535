package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/server/health"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/transcode/ladder"
	"github.com/meanwhile-app/meanwhile/transcode/source"
	"github.com/meanwhile-app/meanwhile/transcode/still"
)

// letGoTime is how long a worker's jobs may take to let go. What does not is
// handed back all the same.
const letGoTime = 20 * time.Second

type workerCmd struct {
	Slots      int    `help:"Media jobs at once; -1 is as many as the machine bears." default:"-1" env:"MEANWHILE_WORKER_SLOTS"`
	WorkerAddr string `help:"Where /healthz, /readyz and /metrics answer, host:port, for whoever can reach it; empty is nowhere." env:"MEANWHILE_WORKER_ADDR" name:"worker-addr"`
}

// errAlone is told to those who would start a worker beside an embedded database.
var errAlone = errors.New("a worker needs MEANWHILE_DATABASE_URL=postgres://…, which servers and workers share; with SQLite the server converts media itself: meanwhile serve")

// Run works on media jobs until it is told to stop.
func (c workerCmd) Run(ctx context.Context, config *Config) (err error) {
	if strings.HasPrefix(config.database(), "sqlite:") {
		return errAlone
	}
	slots := slotsOf(c.Slots)
	if slots == 0 {
		return errors.New("a worker without slots does nothing; give it one or more with --slots")
	}
	unlock, err := config.own()
	if err != nil {
		return err
	}
	defer unlock()
	handlers := jobs.NewHandlers()
	a, err := openCrew(ctx, config, crew{kind: jobs.KindWorker, slots: slots, handlers: handlers})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	if err := a.media(handlers); err != nil {
		return err
	}
	vitals, end, err := a.vitals(ctx, c.WorkerAddr)
	if err != nil {
		return err
	}
	defer end()
	if err := a.queue.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	a.log.Info("working", "slots", slots, "version", version)
	<-ctx.Done()
	a.log.Info("stopping: jobs are handed back")
	vitals.Stop()
	letGo, cancel := context.WithTimeout(context.WithoutCancel(ctx), letGoTime)
	defer cancel()
	return a.queue.Stop(letGo)
}

// openCrew opens the storage for a process that works, and what it runs ffmpeg
// with, whose sandbox is tried before anything else is opened.
func openCrew(ctx context.Context, config *Config, crew crew) (*app, error) {
	runner, safety, err := config.runner(ctx, config.logger(), crew.slots)
	if err != nil {
		return nil, err
	}
	a, err := open(ctx, config, crew)
	if err != nil {
		return nil, err
	}
	a.runner, a.safety = runner, safety
	a.runner.Done = a.meter.FFmpegEnded
	return a, nil
}

// slotsOf is how many media jobs run at once if so many are wanted.
func slotsOf(wanted int) int {
	if wanted < 0 {
		return ladder.Concurrency()
	}
	return wanted
}

// media tells what does the jobs that need ffmpeg.
func (a *app) media(handlers *jobs.Handlers) error {
	desk, err := source.NewDesk(a.objects, a.config.scratch(), a.config.Scratch)
	if err != nil {
		return err
	}
	if err := a.runner.Available(); err != nil {
		a.log.Warn("recordings are kept and play, but nothing is converted", "error", err)
	}
	(&ladder.Jobs{Catalog: a.catalog, Desk: desk, Runner: a.runner, Log: a.log}).Register(handlers)
	(&still.Jobs{Catalog: a.catalog, Desk: desk, Runner: a.runner, Log: a.log}).Register(handlers)
	return nil
}

// vitals answers how a process is that serves nothing else, if an address is
// given; end closes it.
func (a *app) vitals(ctx context.Context, addr string) (vitals *health.Health, end func(), err error) {
	vitals = health.New(health.Options{Catalog: a.catalog, Objects: a.objects, Meter: a.meter, Queue: a.queue, Census: a.census, Version: version, Log: a.log})
	if addr == "" {
		a.log.Info("starting", "version", version)
		return vitals, func() {}, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	a.log.Info("starting", "addr", listener.Addr().String(), "version", version)
	front := &http.Server{Handler: vitals.Alone(), ReadHeaderTimeout: headerTime, IdleTimeout: idleTime}
	go func() {
		if err := front.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("nobody can ask how this worker is", "error", err)
		}
	}()
	return vitals, func() { _ = front.Close() }, nil
}
