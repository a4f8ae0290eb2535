package figure

import (
	"cmp"
	"slices"
	"time"
)

// Quantile returns the value below which the given share of values lies; the zero
// value of none.
func Quantile[T cmp.Ordered](values []T, share float64) T {
	var none T
	if len(values) == 0 {
		return none
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

// Milliseconds keeps the fraction that time.Duration.Milliseconds drops.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
