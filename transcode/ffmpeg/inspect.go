package ffmpeg

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// inspectTime is how long a program may take to say what it can do.
const inspectTime = 20 * time.Second

// Build is what the installed programs can do.
type Build struct {
	// Version and ProbeVersion are as the programs call themselves.
	Version, ProbeVersion string
	Encoders, Decoders    map[string]bool
}

// Inspect asks both programs what they are and what they can do. It reads no
// media.
func (r *Runner) Inspect(ctx context.Context) (*Build, error) {
	ctx, cancel := context.WithTimeout(ctx, inspectTime)
	defer cancel()
	answers := make([]string, 4)
	for i, question := range [][2]string{{r.FFmpeg, "-version"}, {r.FFprobe, "-version"}, {r.FFmpeg, "-encoders"}, {r.FFmpeg, "-decoders"}} {
		answer, err := ask(ctx, question[0], question[1])
		if err != nil {
			return nil, fmt.Errorf("ffmpeg: %s %s: %w", question[0], question[1], err)
		}
		answers[i] = answer
	}
	return &Build{
		Version: versionIn(answers[0]), ProbeVersion: versionIn(answers[1]),
		Encoders: namesIn(answers[2]), Decoders: namesIn(answers[3]),
	}, nil
}

func ask(ctx context.Context, program, question string) (string, error) {
	cmd := exec.CommandContext(ctx, program, "-hide_banner", question) //nolint:gosec // the operator names the program
	cmd.WaitDelay = time.Second
	var out limited
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		return "", err
	}
	return out.buf.String(), nil
}

// versionIn reads "ffmpeg version 5.1.9-0+deb12u1 Copyright …".
func versionIn(text string) string {
	_, rest, ok := strings.Cut(text, " version ")
	if !ok {
		return "unknown"
	}
	version, _, _ := strings.Cut(rest, " ")
	return clean(version)
}

// namesIn reads the lists of -encoders and -decoders: below a line of dashes,
// flags and a name begin each line.
func namesIn(text string) map[string]bool {
	names := map[string]bool{}
	_, list, _ := strings.Cut(text, "------")
	for line := range strings.Lines(list) {
		if fields := strings.Fields(line); len(fields) > 1 {
			names[fields[1]] = true
		}
	}
	return names
}
