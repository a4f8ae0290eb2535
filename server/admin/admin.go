// Package admin is what operators see of the whole installation, and the little
// they do there: queues, workers, failures, storage, versions, and how it went over
// time. Every route of it asks the gate for an operator.
package admin

import (
	"context"
	"sync"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/backup/missing"
	"github.com/meanwhile-app/meanwhile/storage/census"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

// Machine is what only this process knows of itself.
type Machine struct {
	Version string
	// FFmpeg tells the version of ffmpeg; "" where this server runs none.
	FFmpeg func(ctx context.Context) string
	// Sandbox is how well ffmpeg is contained, and Advice what would do it better.
	Sandbox, Advice string
	// Objects says in a word or two what keeps the media.
	Objects string
	// Room says why no more uploads are taken, if so.
	Room func() error
}

// Options are what the API stands on.
type Options struct {
	Census *census.Census
	Queue  *jobs.Queue
	// Missing knows which videos have lost media.
	Missing *missing.Media
	// Video begins again what a video lacks, if it has failed.
	Video func(ctx context.Context, id string) error
	Machine
	// Ready asks what readiness asks, by name.
	Ready func(ctx context.Context) map[string]error
	Now   func() time.Time
}

// API answers operators.
type API struct {
	Options

	mu      sync.Mutex
	build   string
	storage *StorageOutput
	counted time.Time
}

// New makes an API.
func New(o Options) *API {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &API{Options: o}
}

// noStore is what all answers say of caches.
const noStore = "no-store"

// Empty is an answer without a body.
type Empty struct{}
