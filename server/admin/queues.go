package admin

import (
	"context"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

// Lane is what waits or runs in one queue, at one priority, in one state.
type Lane struct {
	Queue    string `json:"queue" doc:"media, mail, webhook or default"`
	Priority int    `json:"priority" doc:"1 is first"`
	State    string `json:"state" doc:"available, running, retryable, scheduled or pending"`
	Jobs     int    `json:"jobs"`
	// OldestAt is a pointer: nothing may be known.
	OldestAt *time.Time `json:"oldest_at" doc:"Since when the oldest of them is there"`
}

// Queues are what waits and what runs.
type Queues struct {
	Lanes []Lane    `json:"lanes" nullable:"false"`
	Now   time.Time `json:"now" doc:"The server's time, to count from"`
}

// QueuesOutput are what waits and what runs.
type QueuesOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Queues
}

// ListQueues is GET /api/admin/queues.
func (a *API) ListQueues(ctx context.Context, _ *struct{}) (*QueuesOutput, error) {
	depths, err := a.Queue.Depths(ctx)
	if err != nil {
		return nil, err
	}
	out := Queues{Lanes: []Lane{}, Now: a.Now().UTC()}
	for _, d := range depths {
		lane := Lane{Queue: d.Queue, Priority: d.Priority, State: d.State, Jobs: d.N}
		if !d.OldestAt.IsZero() {
			at := d.OldestAt.UTC()
			lane.OldestAt = &at
		}
		out.Lanes = append(out.Lanes, lane)
	}
	return &QueuesOutput{CacheControl: noStore, Body: out}, nil
}

// Worker is a process that does jobs.
type Worker struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind" enum:"server,worker"`
	Host      string    `json:"host"`
	Version   string    `json:"version"`
	Slots     int       `json:"slots" doc:"How many media jobs it does at once"`
	Busy      int       `json:"busy" doc:"How many of them run"`
	StartedAt time.Time `json:"started_at"`
	SeenAt    time.Time `json:"seen_at" doc:"When it last said that it lives"`
	Stale     bool      `json:"stale" doc:"It was not heard of for long; its jobs are given to others"`
}

// Workers are the processes that do jobs.
type Workers struct {
	Items []Worker  `json:"items" nullable:"false"`
	Now   time.Time `json:"now" doc:"The time of whoever was heard last, to count from"`
}

// WorkersOutput are the processes that do jobs.
type WorkersOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Workers
}

// staleAfter is two beats that were missed and some: in a few seconds more the
// process is given up.
const staleAfter = 8 * time.Second

// ListWorkers is GET /api/admin/workers.
func (a *API) ListWorkers(ctx context.Context, _ *struct{}) (*WorkersOutput, error) {
	found, err := a.Queue.Workers(ctx)
	if err != nil {
		return nil, err
	}
	now := heard(found, a.Now())
	out := Workers{Items: []Worker{}, Now: now.UTC()}
	for _, w := range found {
		out.Items = append(out.Items, Worker{
			ID: w.ID, Kind: w.Kind, Host: w.Host, Version: w.Version, Slots: w.Slots, Busy: w.Busy,
			StartedAt: w.StartedAt.UTC(), SeenAt: w.SeenAt.UTC(), Stale: now.Sub(w.SeenAt) > staleAfter,
		})
	}
	return &WorkersOutput{CacheControl: noStore, Body: out}, nil
}

// heard is the database's time when somebody was last heard of. Ours may be
// minutes off, and must not make workers stale.
func heard(workers []jobs.Worker, now time.Time) time.Time {
	var last time.Time
	for _, w := range workers {
		if w.SeenAt.After(last) {
			last = w.SeenAt
		}
	}
	if last.IsZero() {
		return now
	}
	return last
}
