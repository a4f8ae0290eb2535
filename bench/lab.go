package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// lab is what the experiments share: the binary, a scratch folder, clips that
// are made once.
type lab struct {
	binary string
	folder string
	quick  bool
}

// newLab finds the binary and makes the scratch folder.
func newLab(quick bool) (*lab, error) {
	binary := os.Getenv("MEANWHILE_BINARY")
	if binary == "" {
		binary = "bin/meanwhile"
	}
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(binary); err != nil {
		return nil, errors.New("no binary: run make build first")
	}
	folder, err := os.MkdirTemp("", "meanwhile-bench-")
	return &lab{binary: binary, folder: folder, quick: quick}, err
}

// close removes what the experiments left behind.
func (l *lab) close() { _ = os.RemoveAll(l.folder) }

// pick returns the full load, or the small one in a quick run.
func (l *lab) pick(full, quick int) int {
	if l.quick {
		return quick
	}
	return full
}

// clipSpec describes a test recording.
type clipSpec struct {
	Name          string
	Width, Height int
	Kilobits      int // video, a second
	Seconds       int
}

// clip makes a fragmented MP4 as a browser's recorder makes it: a fragment
// every two seconds, each starting on a key frame. Only its first minute is
// encoded; longer clips repeat it.
func (l *lab) clip(ctx context.Context, spec clipSpec) (string, error) {
	out := filepath.Join(l.folder, spec.Name+".mp4")
	if _, err := os.Stat(out); err == nil {
		return out, nil
	}
	minute := filepath.Join(l.folder, spec.Name+"-minute.mp4")
	rate := strconv.Itoa(spec.Kilobits) + "k"
	picture := fmt.Sprintf("testsrc2=s=%dx%d:r=30:d=%d", spec.Width, spec.Height, min(60, spec.Seconds))
	err := ffmpeg(ctx, "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=f=440:r=48000", "-shortest",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-b:v", rate, "-minrate", rate,
		"-maxrate", rate, "-bufsize", rate, "-nal-hrd", "cbr", "-g", "60", "-keyint_min", "60", "-sc_threshold", "0",
		"-c:a", "aac", "-b:a", "96k", minute)
	if err != nil {
		return "", err
	}
	repeats := max(0, (spec.Seconds-1)/60)
	return out, ffmpeg(ctx, "-stream_loop", strconv.Itoa(repeats), "-i", minute, "-t", strconv.Itoa(spec.Seconds),
		"-c", "copy", "-movflags", "frag_keyframe+empty_moov+default_base_moof", out)
}

// ffmpeg runs a command that the experiments need and do not measure.
func ffmpeg(ctx context.Context, args ...string) error {
	args = append([]string{"-nostdin", "-v", "error", "-y"}, args...)
	out, err := exec.CommandContext(ctx, "ffmpeg", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ffmpeg: %w: %s", err, out)
	}
	return nil
}
