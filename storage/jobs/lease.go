package jobs

import (
	"context"
	"errors"
	"sync"
)

// ErrLost is the cause of a job's end when its process was not heard of for so
// long that its jobs were given to others.
var ErrLost = errors.New("jobs: this process was not heard of, and others do its jobs")

// lease is what the jobs of a process stand on: they end together when others
// have been told to do them.
type lease struct {
	mu     sync.Mutex
	held   map[*holder]struct{}
	inside int
}

// holder is a job that runs.
type holder struct {
	id  int64
	end context.CancelCauseFunc
}

func newLease() *lease { return &lease{held: map[*holder]struct{}{}} }

// enter begins a job.
func (l *lease) enter(ctx context.Context, queue string, id int64) (inner context.Context, leave func()) {
	ctx, end := context.WithCancelCause(ctx)
	h := &holder{id: id, end: end}
	media := 0
	if queue == QueueMedia {
		media = 1
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[h] = struct{}{}
	l.inside += media
	return ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.held, h)
		l.inside -= media
		end(nil)
	}
}

// lose ends all jobs that run.
func (l *lease) lose() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for h := range l.held {
		h.end(ErrLost)
	}
}

// busy is how many media jobs run.
func (l *lease) busy() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inside
}

// holds says whether a job runs.
func (l *lease) holds(id int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for h := range l.held {
		if h.id == id {
			return true
		}
	}
	return false
}
