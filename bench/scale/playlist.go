package scale

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/bench/figure"
	"github.com/meanwhile-app/meanwhile/cluster"
	"github.com/meanwhile-app/meanwhile/cluster/ledger"
)

// longLists are the playlists of some recordings of three hours, and how long a
// server takes for them: for the first that it is ever asked for, for one that it
// has not seen, and for one that it has.
type longLists struct {
	*room

	addresses           []string
	segments            int // that each has at least
	start, fresh, known []time.Duration
}

// longPlaylist times playlists of three hours.
func longPlaylist(ctx context.Context, l Lab, stores *cluster.Stores) ([]figure.Figure, error) {
	seconds := l.pick(3*60*60, 10*60)
	content, err := l.read(ctx, Clip{"long", 160, 90, 40, seconds})
	if err != nil {
		return nil, err
	}
	r, err := l.open(ctx, stores, 1, 0)
	if err != nil {
		return nil, err
	}
	defer r.close(ctx)
	lists := &longLists{room: r, segments: seconds / 3}
	for range l.pick(6, 2) {
		u, err := r.record(ctx, content, 10)
		if err != nil {
			return nil, err
		}
		address, err := r.playlistOf(ctx, u.Video)
		if err != nil {
			return nil, err
		}
		lists.addresses = append(lists.addresses, address)
	}
	for range l.pick(7, 2) {
		if err := lists.round(ctx); err != nil {
			return nil, err
		}
	}
	p50 := func(taken []time.Duration) float64 { return figure.Milliseconds(figure.Quantile(taken, 0.5)) }
	return []figure.Figure{
		figure.AtMost("playlist of 3 hours, first request of a server, p50", p50(lists.start), "ms", 25),
		figure.AtMost("playlist of 3 hours, first of the video, p50", p50(lists.fresh), "ms", 5),
		figure.AtMost("playlist of 3 hours, known, p50", p50(lists.known), "ms", 5),
	}, nil
}

// round asks a server that has just started for each playlist, and then again.
func (l *longLists) round(ctx context.Context) error {
	server := l.Servers[0]
	if err := errors.Join(server.Terminate(time.Minute), l.Restart(ctx, server)); err != nil {
		return err
	}
	taken := &l.start
	for _, address := range l.addresses {
		if err := l.time(ctx, address, taken); err != nil {
			return err
		}
		taken = &l.fresh
	}
	for range 4 {
		for _, address := range l.addresses {
			if err := l.time(ctx, address, &l.known); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *longLists) time(ctx context.Context, address string, taken *[]time.Duration) error {
	start := time.Now()
	raw, _, err := l.api.Once(ctx, ledger.Request{Method: http.MethodGet, Path: address})
	if err != nil {
		return err
	}
	*taken = append(*taken, time.Since(start))
	if n := strings.Count(string(raw), "#EXTINF"); n < l.segments {
		return fmt.Errorf("the playlist has %d segments", n)
	}
	return nil
}

// playlistOf is the address of the recording's own playlist.
func (r *room) playlistOf(ctx context.Context, id string) (string, error) {
	v, err := r.api.Video(ctx, id)
	if err != nil {
		return "", err
	}
	raw, _, err := r.api.Send(ctx, ledger.Request{Method: http.MethodGet, Path: v.Playback.HLS})
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return path.Join(path.Dir(v.Playback.HLS), line), nil
		}
	}
	return "", fmt.Errorf("no playlist in %q", raw)
}
