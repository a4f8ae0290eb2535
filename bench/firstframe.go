package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	figures "github.com/meanwhile-app/meanwhile/bench/figure"
)

// viewer is a browser of its own, driven by e2e/bench/first-frame.mjs: a line
// with an address and a cookie goes in, a line with what was seen comes out.
type viewer struct {
	in  io.WriteCloser
	out *bufio.Scanner
	cmd *exec.Cmd
}

// sight is what the viewer saw of one page.
type sight struct {
	FirstFrameMS float64 `json:"first_frame_ms"` // Unix time of the first picture
	ScriptBytes  float64 `json:"script_bytes"`   // compressed script finished before it
	Error        string  `json:"error"`
}

// firstFrame measures from the moment of Stop, when the recorder's last bytes
// leave it, to the first picture in a browser that has never seen the page.
func firstFrame(ctx context.Context, l *lab) ([]figure, error) {
	eyes, err := openViewer(ctx)
	if err != nil {
		return nil, err
	}
	defer eyes.close()
	server, api, err := l.serve(ctx)
	if err != nil {
		return nil, err
	}
	defer server.stop()

	short, script, err := l.stopToFrame(ctx, api, eyes, clipSpec{"short", 1280, 720, 2500, 30})
	if err != nil {
		return nil, err
	}
	long, scriptOfLong, err := l.stopToFrame(ctx, api, eyes, clipSpec{"long", 1280, 720, 2500, l.pick(1800, 120)})
	return []figure{
		figures.AtMost("stop to first frame, 30 s", short, "ms", 1000),
		figures.AtMost("stop to first frame, 30 min", long, "ms", 1000),
		figures.AtMost("stop to first frame, long / short", long/short, "x", 1.2),
		figures.AtMost("watch page: script before first frame", max(script, scriptOfLong)/1000, "kB", 150),
	}, err
}

// stopToFrame feeds recordings faster than real time and returns the median
// time to the first frame in milliseconds and the largest script in bytes.
func (l *lab) stopToFrame(ctx context.Context, api *client, eyes *viewer, spec clipSpec) (frame, script float64, err error) {
	clip, err := l.clip(ctx, spec)
	if err != nil {
		return 0, 0, err
	}
	content, err := os.ReadFile(clip)
	if err != nil {
		return 0, 0, err
	}
	var taken []float64
	for range l.pick(5, 1) {
		stop, watchURL, err := feed(ctx, api, content)
		if err != nil {
			return 0, 0, err
		}
		seen, err := eyes.watch(watchURL, api.cookie())
		if err != nil {
			return 0, 0, err
		}
		taken = append(taken, seen.FirstFrameMS-float64(stop.UnixMicro())/1000)
		script = max(script, seen.ScriptBytes)
	}
	return median(taken), script, nil
}

// feed uploads a recording but for its tail, waits a moment as a live recording
// would have, and sends the tail: that is Stop.
func feed(ctx context.Context, api *client, content []byte) (stop time.Time, watchURL string, err error) {
	made, err := api.create(ctx, "first frame")
	if err != nil {
		return stop, "", err
	}
	total := int64(len(content))
	tail := total - min(total/10, 400_000)
	err = api.patch(ctx, made.UploadURL, piece{body: bytes.NewReader(content[:tail]), length: tail})
	if err != nil {
		return stop, "", err
	}
	time.Sleep(500 * time.Millisecond)
	stop = time.Now()
	last := piece{offset: tail, body: bytes.NewReader(content[tail:]), length: total - tail, total: total}
	if err := api.patch(ctx, made.UploadURL, last); err != nil {
		return stop, "", err
	}
	whole, err := api.base.Parse(made.WatchURL)
	if err != nil {
		return stop, "", err
	}
	return stop, whole.String(), nil
}

// cookie returns the session as a header, to hand it to the browser.
func (c *client) cookie() string {
	var pairs []string
	for _, cookie := range c.http.Jar.Cookies(c.base) {
		pairs = append(pairs, cookie.Name+"="+cookie.Value)
	}
	return strings.Join(pairs, "; ")
}

// openViewer starts the browser's driver and waits until it is there.
func openViewer(ctx context.Context) (*viewer, error) {
	cmd := exec.CommandContext(ctx, "node", "bench/first-frame.mjs")
	cmd.Dir, cmd.Stderr = "e2e", os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	v := &viewer{in: in, out: bufio.NewScanner(out), cmd: cmd}
	if !v.out.Scan() {
		return nil, fmt.Errorf("the browser did not start: %w", cmd.Wait())
	}
	return v, nil
}

// watch opens a page in a fresh window and waits for its first picture.
func (v *viewer) watch(url, cookie string) (sight, error) {
	var seen sight
	line, err := json.Marshal(map[string]string{"url": url, "cookie": cookie})
	if err != nil {
		return seen, err
	}
	if _, err := fmt.Fprintf(v.in, "%s\n", line); err != nil {
		return seen, err
	}
	if !v.out.Scan() {
		return seen, fmt.Errorf("the browser ended: %w", v.cmd.Wait())
	}
	if err := json.Unmarshal(v.out.Bytes(), &seen); err != nil {
		return seen, err
	}
	if seen.Error != "" {
		return seen, fmt.Errorf("the browser: %s", seen.Error)
	}
	return seen, nil
}

// close ends the browser.
func (v *viewer) close() {
	_ = v.in.Close()
	_ = v.cmd.Wait()
}
