package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	figures "github.com/meanwhile-app/meanwhile/bench/figure"
	"github.com/meanwhile-app/meanwhile/bench/whip"
)

// fleet is many recorders at once, each sending a piece every second and
// reading its own playlist now and then, as a viewer would.
type fleet struct {
	api     *client
	pieces  [][]byte
	total   int64
	acked   times
	mu      sync.Mutex
	slowest time.Duration
	failure error
}

// manyRecordings runs 200 recorders at 1 Mbit/s for a minute.
func manyRecordings(ctx context.Context, l *lab) ([]figure, error) {
	seconds, recorders := l.pick(60, 10), l.pick(200, 20)
	clip, err := l.clip(ctx, clipSpec{"recording", 640, 360, 900, seconds})
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

	f := &fleet{api: api, pieces: cut(content, seconds), total: int64(len(content))}
	var used time.Duration
	grown, err := server.growth(func() error {
		before, start := server.cpu(), time.Now()
		err := f.run(ctx, recorders)
		used = server.cpu() - before
		f.slowest = max(f.slowest, time.Since(start)-time.Duration(seconds)*time.Second)
		return err
	})
	return []figure{
		figures.AtMost(fmt.Sprintf("%d recordings: acknowledgement p99", recorders), f.acked.p99(), "ms", 500),
		figures.AtMost("recordings: behind at the end", f.slowest.Seconds(), "s", 2),
		figures.AtMost("recordings: processor", used.Seconds()/float64(seconds), "cores", 1),
		figures.AtMost("recordings: memory growth", grown, "MiB", 256),
	}, err
}

// cut splits bytes into equal pieces.
func cut(content []byte, n int) [][]byte {
	var pieces [][]byte
	for i := range n {
		pieces = append(pieces, content[i*len(content)/n:(i+1)*len(content)/n])
	}
	return pieces
}

// run starts all recorders, spread over a second, and waits for them.
func (f *fleet) run(ctx context.Context, recorders int) error {
	var group sync.WaitGroup
	for i := range recorders {
		group.Go(func() {
			if err := f.record(ctx, time.Second*time.Duration(i)/time.Duration(recorders)); err != nil {
				f.mu.Lock()
				f.failure = err
				f.mu.Unlock()
			}
		})
	}
	group.Wait()
	return f.failure
}

// record is one recorder.
func (f *fleet) record(ctx context.Context, delay time.Duration) error {
	time.Sleep(delay)
	made, err := f.api.create(ctx, "recording")
	if err != nil {
		return err
	}
	second := time.NewTicker(time.Second)
	defer second.Stop()
	offset := int64(0)
	for i, chunk := range f.pieces {
		p := piece{offset: offset, body: bytes.NewReader(chunk), length: int64(len(chunk))}
		if i == len(f.pieces)-1 {
			p.total = f.total
		}
		start := time.Now()
		if err := f.api.patch(ctx, made.UploadURL, p); err != nil {
			return err
		}
		f.acked.add(time.Since(start))
		offset += p.length
		if i%10 == 9 {
			if err := f.watch(ctx, made.ID); err != nil {
				return err
			}
		}
		<-second.C
	}
	return nil
}

// watch reads the playlist of a growing recording.
func (f *fleet) watch(ctx context.Context, id string) error {
	found, err := f.api.video(ctx, id)
	if err != nil || found.Playback.HLS == "" {
		return err
	}
	req, err := f.api.request(ctx, http.MethodGet, found.Playback.HLS, nil)
	if err != nil {
		return err
	}
	_, err = f.api.do(req)
	return err
}

// overWebRTC measures recordings that come in over WebRTC.
func overWebRTC(ctx context.Context, l *lab) ([]figure, error) {
	return whip.Cost(ctx, whip.Lab{
		Folder: l.folder, Quick: l.quick,
		Ours: func(ctx context.Context) (whip.Target, error) {
			server, api, err := l.serve(ctx, "--workers", "0", "--rate-factor", "0", "--whip-sessions", "60", "--whip-sessions-each", "60")
			if err != nil {
				return whip.Target{}, err
			}
			return server.target(api), nil
		},
		Bare: func(ctx context.Context) (whip.Target, error) {
			server, err := l.serveBareProcess(ctx, l.folder)
			if err != nil {
				return whip.Target{}, err
			}
			return server.target(newClient(server.url)), nil
		},
	})
}

func (p *process) target(c *client) whip.Target {
	return whip.Target{URL: p.url, HTTP: c.http, CPU: p.cpu, Memory: func() float64 { return p.memory("VmRSS") }, Stop: p.stop}
}
