package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	figures "github.com/meanwhile-app/meanwhile/bench/figure"
)

// uploadSpeed sends one large recording to ours and to the bare handler by
// turns. The recording is real, so that its fragments are indexed on the way.
func uploadSpeed(ctx context.Context, l *lab) ([]figure, error) {
	// 1 GiB is 30 minutes at 4.7 Mbit/s
	clip, err := l.clip(ctx, clipSpec{"upload", 1280, 720, 4700, l.pick(1800, 120)})
	if err != nil {
		return nil, err
	}
	bytes, err := os.ReadFile(clip)
	if err != nil {
		return nil, err
	}
	server, api, err := l.serve(ctx, "--workers", "0")
	if err != nil {
		return nil, err
	}
	defer server.stop()
	bare, err := l.serveBareProcess(ctx, l.folder)
	if err != nil {
		return nil, err
	}
	defer bare.stop()

	var ratios []float64
	growth := 0.0
	for range 3 {
		theirs, err := bareUpload(ctx, bare.url, bytes)
		if err != nil {
			return nil, err
		}
		var ours time.Duration
		grown, err := server.growth(func() (err error) {
			ours, err = tusUpload(ctx, api, bytes)
			return err
		})
		if err != nil {
			return nil, err
		}
		ratios, growth = append(ratios, theirs.Seconds()/ours.Seconds()), max(growth, grown)
	}
	mib := float64(len(bytes)) / (1 << 20)
	return []figure{
		figures.AtLeast(fmt.Sprintf("upload %.0f MiB: speed / bare", mib), median(ratios), "x", 0.8),
		figures.AtMost("upload: memory growth", growth, "MiB", 64),
	}, nil
}

// tusUpload times one whole upload in a single request.
func tusUpload(ctx context.Context, api *client, content []byte) (time.Duration, error) {
	made, err := api.create(ctx, "upload")
	if err != nil {
		return 0, err
	}
	start := time.Now()
	size := int64(len(content))
	err = api.patch(ctx, made.UploadURL, piece{body: bytes.NewReader(content), length: size, total: size})
	return time.Since(start), err
}

// bareUpload times the same bytes into a synced file.
func bareUpload(ctx context.Context, base string, content []byte) (time.Duration, error) {
	c := newClient(base)
	req, err := c.request(ctx, http.MethodPatch, "/upload", bytes.NewReader(content))
	if err != nil {
		return 0, err
	}
	start := time.Now()
	_, err = c.do(req)
	return time.Since(start), err
}
