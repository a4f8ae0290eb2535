package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	figures "github.com/meanwhile-app/meanwhile/bench/figure"
)

// resolution finds the rungs in a master playlist.
var resolution = regexp.MustCompile(`RESOLUTION=(\d+)x(\d+)`)

// ladderCPU compares all processor time that a finished video has cost with that
// of one bare ffmpeg command that makes the same rungs and the audio.
func ladderCPU(ctx context.Context, l *lab) ([]figure, error) {
	clip, err := l.clip(ctx, clipSpec{"ladder", 1920, 1080, 6000, l.pick(120, 20)})
	if err != nil {
		return nil, err
	}
	ours, rungs, err := l.ourLadder(ctx, clip)
	if err != nil {
		return nil, err
	}
	bare, err := l.bareLadder(ctx, clip, rungs)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("ladder of %d rungs: CPU / bare ffmpeg", len(rungs))
	return []figure{figures.AtMost(name, ours.Seconds()/bare.Seconds(), "x", 1.10)}, nil
}

// ourLadder uploads the clip and returns the server's processor time until the
// video is ready, and the rungs that were made.
func (l *lab) ourLadder(ctx context.Context, clip string) (time.Duration, [][2]string, error) {
	content, err := os.ReadFile(clip)
	if err != nil {
		return 0, nil, err
	}
	server, api, err := l.serve(ctx)
	if err != nil {
		return 0, nil, err
	}
	defer server.stop()
	before := server.cpu()
	made, err := uploaded(ctx, api, content)
	if err != nil {
		return 0, nil, err
	}
	ready, err := api.whenReady(ctx, made.ID)
	if err != nil {
		return 0, nil, err
	}
	used := server.cpu() - before
	req, err := api.request(ctx, http.MethodGet, ready.Playback.HLS, nil)
	if err != nil {
		return 0, nil, err
	}
	master, err := api.do(req)
	if err != nil {
		return 0, nil, err
	}
	return used, rungsOf(string(master)), nil
}

// rungsOf lists width and height of the encoded variants of a master playlist.
func rungsOf(master string) [][2]string {
	var rungs [][2]string
	lines := strings.Split(master, "\n")
	for i, line := range lines {
		match := resolution.FindStringSubmatch(line)
		if match != nil && i+1 < len(lines) && !strings.Contains(lines[i+1], "source") {
			rungs = append(rungs, [2]string{match[1], match[2]})
		}
	}
	return rungs
}

// bareLadder runs the one command and returns its processor time.
func (l *lab) bareLadder(ctx context.Context, clip string, rungs [][2]string) (time.Duration, error) {
	var graph, scales strings.Builder
	fmt.Fprintf(&graph, "[0:v]split=%d", len(rungs))
	for i, rung := range rungs {
		fmt.Fprintf(&graph, "[i%d]", i)
		fmt.Fprintf(&scales, ";[i%d]scale=%s:%s[o%d]", i, rung[0], rung[1], i)
	}
	args := []string{"-nostdin", "-v", "error", "-y", "-i", clip, "-filter_complex", graph.String() + scales.String()}
	for i := range rungs {
		args = append(args, "-map", fmt.Sprintf("[o%d]", i), "-c:v", "libx264", "-preset", "veryfast", "-crf", "23",
			"-g", "60", "-keyint_min", "60", "-sc_threshold", "0", filepath.Join(l.folder, fmt.Sprintf("rung%d.mp4", i)))
	}
	args = append(args, "-map", "0:a", "-c:a", "aac", "-b:a", "128k", filepath.Join(l.folder, "audio.mp4"))
	cmd := exec.CommandContext(ctx, "ffmpeg", args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("bare ffmpeg: %w: %s", err, out)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}
