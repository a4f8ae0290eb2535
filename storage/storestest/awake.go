package storestest

import (
	"context"
	"sync/atomic"
	"time"
)

// Awake measures what is promised within some seconds, on a machine that may stand
// still for as long. It counts small steps of time, so that of a standstill of this
// process it sees one step.
type Awake struct{ steps atomic.Int64 }

const awakeStep = 50 * time.Millisecond

// NewAwake starts to count until the context ends.
func NewAwake(ctx context.Context) *Awake {
	a := &Awake{}
	go func() {
		ticker := time.NewTicker(awakeStep) // which drops the steps that nobody takes
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				a.steps.Add(1)
			}
		}
	}()
	return a
}

// Elapsed is how long this process has run since, and never more than has passed.
func (a *Awake) Elapsed() time.Duration { return time.Duration(a.steps.Load()) * awakeStep }
