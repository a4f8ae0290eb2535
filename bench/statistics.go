package main

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// median returns the middle value.
func median[T cmp.Ordered](values []T) T { return quantile(values, 0.5) }

// quantile returns the value below which the given share of values lies.
func quantile[T cmp.Ordered](values []T, share float64) T {
	var none T
	if len(values) == 0 {
		return none
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

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
	return milliseconds(quantile(t.all, 0.99))
}

// milliseconds keeps the fraction that time.Duration.Milliseconds drops.
func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
