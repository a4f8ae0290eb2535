package main

import (
	"cmp"
	"sync"
	"time"

	figures "github.com/meanwhile-app/meanwhile/bench/figure"
)

// median returns the middle value.
func median[T cmp.Ordered](values []T) T { return figures.Quantile(values, 0.5) }

// times collects durations from many goroutines.
type times struct {
	mu  sync.Mutex
	all []time.Duration
}

// add notes one duration.
func (t *times) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, d)
}

// p99 is the 99th percentile in milliseconds.
func (t *times) p99() float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return figures.Milliseconds(figures.Quantile(t.all, 0.99))
}
