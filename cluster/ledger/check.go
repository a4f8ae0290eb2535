package ledger

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"github.com/meanwhile-app/meanwhile/storage/storestest"
)

// Settled wants every promise of the ledger kept, once all faults are over: each
// finished recording becomes ready, holds the very bytes and plays for as long as
// it lasts, each other one holds what was acknowledged, and every comment is there
// once.
func (l *Ledger) Settled(ctx context.Context, clip *Clip) error {
	errs := []error{l.Heard(ctx)}
	for _, u := range l.Uploads() {
		if u.Finished() {
			errs = append(errs, u.Ready(ctx))
		}
		errs = append(errs, u.Kept(ctx))
		if u.Finished() {
			errs = append(errs, u.Plays(ctx, clip.Seconds))
		}
	}
	return errors.Join(errs...)
}

// Ready waits until nothing is left to do for a video.
func (u *Upload) Ready(ctx context.Context) error {
	var video Video
	err := storestest.Until(ctx, u.ledger.SettleTime, func(ctx context.Context) error {
		var err error
		if video, err = u.ledger.client.Video(ctx, u.Video); err != nil {
			return err
		}
		if video.State == "ready" || video.State == "failed" {
			return nil
		}
		return fmt.Errorf("video %s %w: it is %s", u.Video, errNotReady, video.State)
	})
	if err != nil {
		return broken("a video is stuck: %v", err)
	}
	if video.State == "failed" {
		return broken("video %s failed: %s", u.Video, video.Reason)
	}
	return nil
}

// lengthSlack is by how much the length of what plays may differ: the sound's
// last packet reaches a little beyond the picture.
const lengthSlack = 0.25

// Plays reads what a player reads, and wants it to last as long as the recording:
// by the playlist of the best rendition, and by ffprobe of the original.
func (u *Upload) Plays(ctx context.Context, seconds int) error {
	video, err := u.ledger.client.Video(ctx, u.Video)
	if err != nil {
		return err
	}
	if video.Playback.HLS == "" {
		return broken("video %s has no playlist", u.Video)
	}
	lasts, err := u.ledger.client.walk(ctx, video.Playback.HLS)
	if err != nil {
		return err
	}
	if math.Abs(lasts-float64(seconds)) > lengthSlack {
		return broken("video %s lasts %.2f s by its playlist, and was recorded for %d s", u.Video, lasts, seconds)
	}
	if lasts, err = probe(ctx, u.ledger.client.Base+video.Playback.Download); err != nil {
		return err
	}
	if math.Abs(lasts-float64(seconds)) > lengthSlack {
		return broken("video %s lasts %.2f s by ffprobe, and was recorded for %d s", u.Video, lasts, seconds)
	}
	return nil
}

// What a playlist says.
var (
	extinf = regexp.MustCompile(`(?m)^#EXTINF:([0-9.]+)`)
	naming = regexp.MustCompile(`URI="([^"]+)"`)
)

// walk reads a master playlist and its first variant with every segment, and
// returns how many seconds that lasts.
func (c *Client) walk(ctx context.Context, master string) (float64, error) {
	lines, err := c.lines(ctx, master)
	if err != nil {
		return 0, err
	}
	playlist := master
	for i, line := range lines {
		if strings.HasPrefix(line, "#EXT-X-STREAM-INF") && i+1 < len(lines) {
			playlist = beside(master, lines[i+1])
			break
		}
	}
	if lines, err = c.lines(ctx, playlist); err != nil {
		return 0, err
	}
	total, ends := 0.0, false
	for i, line := range lines {
		if match := extinf.FindStringSubmatch(line); match != nil {
			seconds, err := strconv.ParseFloat(match[1], 64)
			if err != nil {
				return 0, err
			}
			total += seconds
		}
		ends = ends || line == "#EXT-X-ENDLIST"
		if err := c.segment(ctx, playlist, lines[:i+1]); err != nil {
			return 0, err
		}
	}
	if !ends {
		return 0, broken("the playlist %s has no end", playlist)
	}
	return total, nil
}

// segment reads the bytes that the last of these lines names, if it names any.
func (c *Client) segment(ctx context.Context, playlist string, lines []string) error {
	line := lines[len(lines)-1]
	name, ranged := line, ""
	switch {
	case strings.HasPrefix(line, "#EXT-X-MAP"):
		name = naming.FindStringSubmatch(line)[1]
	case line == "" || strings.HasPrefix(line, "#"):
		return nil
	default:
		for _, above := range lines[max(0, len(lines)-4) : len(lines)-1] {
			if value, ok := strings.CutPrefix(above, "#EXT-X-BYTERANGE:"); ok {
				ranged = value
			}
		}
	}
	r := Request{Method: http.MethodGet, Path: beside(playlist, name)}
	length, offset, ok := strings.Cut(ranged, "@")
	if ok {
		n, _ := strconv.ParseInt(length, 10, 64)
		from, _ := strconv.ParseInt(offset, 10, 64)
		r.Header = map[string]string{"Range": fmt.Sprintf("bytes=%d-%d", from, from+n-1)}
	}
	raw, _, err := c.Send(ctx, r)
	if err == nil && ok && strconv.Itoa(len(raw)) != length {
		return broken("a segment of %s has %d bytes of %s", playlist, len(raw), length)
	}
	return err
}

func (c *Client) lines(ctx context.Context, path string) ([]string, error) {
	raw, _, err := c.Send(ctx, Request{Method: http.MethodGet, Path: path})
	return strings.Split(strings.TrimSpace(string(raw)), "\n"), err
}

// beside resolves a name in a playlist.
func beside(playlist, name string) string {
	if strings.HasPrefix(name, "/") || strings.Contains(name, "://") {
		return name
	}
	return playlist[:strings.LastIndex(playlist, "/")+1] + name
}

// probe asks ffprobe how long something lasts.
func probe(ctx context.Context, url string) (float64, error) {
	cmd := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-of", "csv=p=0", "-show_entries", "format=duration", url) //nolint:gosec // the address is the cluster's
	// It would ask a proxy for this machine, too.
	cmd.Env = append(os.Environ(), "no_proxy=*")
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("ffprobe %s: %w", url, err)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

// errNotReady says that a video is not ready yet.
var errNotReady = errors.New("is not ready")
