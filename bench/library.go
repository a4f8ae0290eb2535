package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	figures "github.com/meanwhile-app/meanwhile/bench/figure"
)

// bigLibrary fills a server through its API and times the calls of the library
// and of the conversation.
func bigLibrary(ctx context.Context, l *lab) ([]figure, error) {
	server, api, err := l.serve(ctx, "--workers", "0")
	if err != nil {
		return nil, err
	}
	defer server.stop()
	videos, comments := l.pick(10_000, 500), l.pick(5_000, 200)
	first, err := fill(ctx, api, videos, comments)
	if err != nil {
		return nil, err
	}
	rounds := l.pick(500, 50)
	var found []figure
	for _, call := range []struct{ name, path string }{
		{"library: first page", "/api/videos"},
		{"library: search", "/api/videos?q=" + url.QueryEscape("walkthrough 42")},
		{"video: one", "/api/videos/" + first},
		{"video: comments", "/api/videos/" + first + "/comments"},
	} {
		value, err := timeCalls(ctx, api, call.path, rounds)
		if err != nil {
			return found, err
		}
		found = append(found, figures.AtMost(call.name+" p99", value, "ms", 20))
	}
	paging, err := timePaging(ctx, api, rounds)
	return append(found, figures.AtMost("library: deep pages p99", paging, "ms", 20)), err
}

// fill makes videos and comments, a few at a time, and returns the commented video.
func fill(ctx context.Context, api *client, videos, comments int) (string, error) {
	first, err := api.create(ctx, "Much discussed")
	if err != nil {
		return "", err
	}
	err = atOnce(videos, func(i int) error {
		_, err := api.create(ctx, fmt.Sprintf("Walkthrough %d of part %d", i, i%100))
		return err
	})
	if err != nil {
		return "", err
	}
	return first.ID, atOnce(comments, func(i int) error {
		body := map[string]any{"at_ms": i * 250, "body": fmt.Sprintf("Remark %d, with a few words to it.", i)}
		return api.json(ctx, http.MethodPost, "/api/videos/"+first.ID+"/comments", body, nil)
	})
}

// atOnce calls do(0…n-1) from eight goroutines and returns the last failure.
func atOnce(n int, do func(int) error) error {
	work := make(chan int)
	var mu sync.Mutex
	var group sync.WaitGroup
	var failure error
	for range 8 {
		group.Go(func() {
			for i := range work {
				if err := do(i); err != nil {
					mu.Lock()
					failure = err
					mu.Unlock()
				}
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	group.Wait()
	return failure
}

// timeCalls asks for one path many times, one after the other.
func timeCalls(ctx context.Context, api *client, path string, rounds int) (float64, error) {
	var taken times
	for range rounds {
		start := time.Now()
		if err := api.json(ctx, http.MethodGet, path, nil, nil); err != nil {
			return 0, err
		}
		taken.add(time.Since(start))
	}
	return taken.p99(), nil
}

// timePaging walks down the library by its cursors.
func timePaging(ctx context.Context, api *client, rounds int) (float64, error) {
	var taken times
	cursor := ""
	for range rounds {
		var page struct {
			NextCursor *string `json:"next_cursor"`
		}
		start := time.Now()
		if err := api.json(ctx, http.MethodGet, "/api/videos?limit=24&cursor="+url.QueryEscape(cursor), nil, &page); err != nil {
			return 0, err
		}
		taken.add(time.Since(start))
		if cursor = ""; page.NextCursor != nil {
			cursor = *page.NextCursor
		}
	}
	return taken.p99(), nil
}
