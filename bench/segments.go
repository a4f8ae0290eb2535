package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	figures "github.com/meanwhile-app/meanwhile/bench/figure"
)

// segmentSize is what a player asks for at a time, about 2 s of 1080p.
const segmentSize = 1 << 20

// segmentSpeed asks ours and http.FileServer by turns for ranges of the same
// bytes.
func segmentSpeed(ctx context.Context, l *lab) ([]figure, error) {
	clip, err := l.clip(ctx, clipSpec{"segments", 1280, 720, 4000, l.pick(300, 60)})
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(clip)
	if err != nil {
		return nil, err
	}
	server, api, err := l.serve(ctx, "--workers", "0")
	if err != nil {
		return nil, err
	}
	defer server.stop()
	bare, err := l.serveBareProcess(ctx, filepath.Dir(clip))
	if err != nil {
		return nil, err
	}
	defer bare.stop()
	made, err := uploaded(ctx, api, content)
	if err != nil {
		return nil, err
	}
	source := sourceURL(made)

	seconds := time.Duration(l.pick(5, 1)) * time.Second
	theirs := newClient(bare.url)
	var ratios []float64
	for range 3 {
		base, err := segmentRate(ctx, theirs, "/"+filepath.Base(clip), int64(len(content)), seconds)
		if err != nil {
			return nil, err
		}
		ours, err := segmentRate(ctx, api, source, int64(len(content)), seconds)
		if err != nil {
			return nil, err
		}
		ratios = append(ratios, ours/base)
	}
	each, err := queriesEach(ctx, api, func() (float64, error) {
		rate, err := segmentRate(ctx, api, source, int64(len(content)), seconds)
		return rate * seconds.Seconds(), err
	})
	if err != nil {
		return nil, err
	}
	return []figure{
		figures.AtLeast("segments: rate / http.FileServer", median(ratios), "x", 0.8),
		// Housekeeping asks now and then, whatever is served.
		figures.AtMost("segments: database queries each", each, "", 0.01),
	}, nil
}

// queriesEach runs something that answers a number of requests and tells how
// many queries of the records each has cost.
func queriesEach(ctx context.Context, api *client, run func() (float64, error)) (float64, error) {
	before, err := databaseQueries(ctx, api)
	if err != nil {
		return 0, err
	}
	requests, err := run()
	if err != nil {
		return 0, err
	}
	after, err := databaseQueries(ctx, api)
	if err != nil {
		return 0, err
	}
	if requests == 0 {
		return 0, errors.New("nothing was answered")
	}
	return (after - before) / requests, nil
}

// databaseQueries reads the server's own count.
func databaseQueries(ctx context.Context, api *client) (float64, error) {
	const name = "meanwhile_database_queries_total "
	req, err := api.request(ctx, http.MethodGet, "/metrics", nil)
	if err != nil {
		return 0, err
	}
	raw, err := api.do(req)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if value, ok := strings.CutPrefix(line, name); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, errors.New("the server does not tell its queries")
}

// uploaded sends a whole recording and returns its video.
func uploaded(ctx context.Context, api *client, content []byte) (video, error) {
	made, err := api.create(ctx, "bench")
	if err != nil {
		return made, err
	}
	size := int64(len(content))
	err = api.patch(ctx, made.UploadURL, piece{body: strings.NewReader(string(content)), length: size, total: size})
	if err != nil {
		return made, err
	}
	return api.video(ctx, made.ID)
}

// sourceURL is the address of the original below the video's grant.
func sourceURL(v video) string {
	playlist := v.Playback.HLS
	if playlist == "" {
		playlist = v.Playback.Progressive
	}
	return playlist[:strings.LastIndex(playlist, "/")] + "/source"
}

// segmentRate lets 32 clients ask for random ranges and counts the answers a
// second.
func segmentRate(ctx context.Context, c *client, path string, size int64, d time.Duration) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var mu sync.Mutex
	var group sync.WaitGroup
	count := 0
	var failure error
	for range 32 {
		group.Go(func() {
			for ctx.Err() == nil {
				err := segment(ctx, c, path, rand.Int64N(max(1, size-segmentSize)))
				mu.Lock()
				if err == nil {
					count++
				} else if ctx.Err() == nil {
					failure = err
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	group.Wait()
	return float64(count) / d.Seconds(), failure
}

// segment reads one range and throws it away.
func segment(ctx context.Context, c *client, path string, offset int64) error {
	req, err := c.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, offset+segmentSize-1))
	answer, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusPartialContent {
		return fmt.Errorf("range of %s answered %d", path, answer.StatusCode)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}
