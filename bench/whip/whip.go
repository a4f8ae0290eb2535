package whip

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/meanwhile-app/meanwhile/bench/figure"
)

// Target is a server under measurement.
type Target struct {
	URL  string
	HTTP *http.Client
	// CPU is the processor time it has used, Memory what it holds in MiB.
	CPU    func() time.Duration
	Memory func() float64
	Stop   func()
}

// Lab starts the servers.
type Lab struct {
	Folder     string
	Ours, Bare func(ctx context.Context) (Target, error)
	Quick      bool
}

const (
	settleTime = 3 * time.Second
	loadTime   = 20 * time.Second
	aloneTime  = 60 * time.Second
	// most is how much more than the bare receiver a recording may cost.
	most = 1.5
)

// Cost measures sessions of 2.5 Mbit/s: 1, 20 and 50 at once.
func Cost(ctx context.Context, l Lab) ([]figure.Figure, error) {
	c, err := newClip(ctx, l.Folder)
	if err != nil {
		return nil, err
	}
	counts, length := []int{1, 20, 50}, loadTime
	if l.Quick {
		counts, length = []int{1, 5}, 5*time.Second
	}
	var found []figure.Figure
	for _, n := range counts {
		if n == 1 && !l.Quick {
			length = aloneTime // a hundredth of a core takes a while to measure
		} else {
			length = min(length, loadTime)
		}
		bare, err := measure(ctx, l.Bare, c, load{n, length})
		if err != nil {
			return found, fmt.Errorf("the bare receiver: %w", err)
		}
		ours, err := measure(ctx, l.Ours, c, load{n, length})
		if err != nil {
			return found, err
		}
		found = append(found,
			figure.AtMost(fmt.Sprintf("whip %d sessions: CPU / bare", n), ours.share/bare.share, "x", most),
			figure.AtMost(fmt.Sprintf("whip %d sessions: CPU of one", n), 100*ours.share/float64(n), "%core", 10),
			figure.AtMost(fmt.Sprintf("whip %d sessions: end to playable", n), float64(ours.playable.Milliseconds()), "ms", 500),
		)
		if n > 1 { // one alone is lost in what a server takes anyway
			found = append(found, figure.AtMost(fmt.Sprintf("whip %d sessions: memory of one", n), max(ours.memory, 0)/float64(n), "MiB", 24))
		}
	}
	return found, nil
}

type load struct {
	sessions int
	length   time.Duration
}

// result of a load: the share of a core, MiB above the start, and how long after
// the end the slowest recording could be played.
type result struct {
	share, memory float64
	playable      time.Duration
}

func measure(ctx context.Context, start func(context.Context) (Target, error), c clip, l load) (result, error) {
	t, err := start(ctx)
	if err != nil {
		return result{}, err
	}
	defer t.Stop()
	began := t.CPU()
	select {
	case <-time.After(settleTime):
	case <-ctx.Done():
		return result{}, ctx.Err()
	}
	before, idle := t.Memory(), (t.CPU()-began).Seconds()/settleTime.Seconds()
	peers := make([]*peer, l.sessions)
	sending, stop := context.WithCancel(ctx)
	defer stop()
	var all sync.WaitGroup
	defer func() {
		for _, p := range peers {
			if p != nil {
				_ = p.pc.Close() // the server ends anyway
			}
		}
	}()
	for i := range peers {
		if peers[i], err = newPeer(ctx, t); err != nil {
			return result{}, err
		}
		all.Go(func() { peers[i].send(sending, c) })
	}
	r, err := underLoad(ctx, t, l.length)
	r.share, r.memory = max(r.share-idle, 0), r.memory-before
	if err != nil {
		return r, err
	}
	stop()
	all.Wait()
	if peers[0].details == "" {
		return r, nil // the bare receiver keeps nothing
	}
	for _, p := range peers {
		took, err := p.end(ctx, t)
		if err != nil {
			return r, err
		}
		r.playable = max(r.playable, took)
	}
	return r, nil
}

// underLoad measures for a while, once all have found their pace.
func underLoad(ctx context.Context, t Target, length time.Duration) (result, error) {
	used, began := time.Duration(0), time.Now()
	for _, wait := range []time.Duration{settleTime, length} {
		used, began = t.CPU(), time.Now()
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return result{}, ctx.Err()
		}
	}
	return result{share: (t.CPU() - used).Seconds() / time.Since(began).Seconds(), memory: t.Memory()}, nil
}

// end ends a session and loads the playlist of what it recorded.
func (p *peer) end(ctx context.Context, t Target) (time.Duration, error) {
	began := time.Now()
	if _, err := ask(ctx, t, http.MethodDelete, p.location); err != nil {
		return 0, err
	}
	raw, err := ask(ctx, t, http.MethodGet, p.details)
	if err != nil {
		return 0, err
	}
	var video struct {
		DurationMS int64 `json:"duration_ms"`
		Playback   struct{ HLS string }
	}
	if err := json.Unmarshal(raw, &video); err != nil {
		return 0, err
	}
	if video.Playback.HLS == "" || video.DurationMS == 0 {
		return 0, errors.New("whip: nothing to play after the end")
	}
	_, err = ask(ctx, t, http.MethodGet, video.Playback.HLS)
	return time.Since(began), err
}

func ask(ctx context.Context, t Target, method, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, t.URL+path, nil)
	if err != nil {
		return nil, err
	}
	res, err := t.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("whip: %s %s: %s: %s", method, path, res.Status, raw)
	}
	return raw, err
}
