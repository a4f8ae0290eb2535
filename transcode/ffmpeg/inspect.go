package ffmpeg

import (
	"context"
	"fmt"
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
	answers := make([]string, 4)
	for i, question := range [][2]string{{r.FFmpeg, "-version"}, {r.FFprobe, "-version"}, {r.FFmpeg, "-encoders"}, {r.FFmpeg, "-decoders"}} {
		answer, err := r.ask(ctx, question[0], question[1])
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

// ask runs a program as it runs on media, so that an answer says that it starts
// in the sandbox.
func (r *Runner) ask(ctx context.Context, program, question string) (string, error) {
	var out limited
	p := &process{
		program: program, args: []string{"-hide_banner", question}, sandbox: r.Sandbox, stdout: &out,
		limits: r.bound(Limits{CPU: inspectTime, Wall: inspectTime}),
	}
	if _, err := p.run(ctx); err != nil {
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
