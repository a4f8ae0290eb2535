package storestest

import (
	"context"
	"fmt"
	"time"
)

// StartTime is how long a server may take to answer at first: long, because a
// whole test run shares few cores.
const StartTime = 3 * time.Minute

// askEvery is how long Until waits after a question without an answer.
const askEvery = 50 * time.Millisecond

// Until repeats a question until it is answered without an error. Once patience
// is over it returns the last error.
func Until(ctx context.Context, patience time.Duration, ask func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("after %v: %w", patience, err)
		case <-time.After(askEvery):
		}
	}
}
