// Package contain measures what the sandbox adds to the start of an ffmpeg.
package contain

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	figures "github.com/meanwhile-app/meanwhile/bench/figure"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg/sandbox"
)

// Cost runs the same small ffmpeg command with and without the sandbox of the
// binary, by turns, and compares the median of each.
func Cost(ctx context.Context, binary string, rounds int) ([]figures.Figure, error) {
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		return nil, err
	}
	proof, err := sandbox.Prove(ctx, binary, "")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "meanwhile-bench-contain-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	args := []string{"-v", "error", "-nostdin", "-f", "lavfi", "-i", "color=s=16x16", "-frames:v", "1", "-f", "null", "-"}
	job := sandbox.Job{Program: program, Args: args, Dir: dir, Limits: sandbox.Limits{Memory: 3 << 30, CPU: time.Minute, Output: 1 << 20}}
	box := &sandbox.Sandbox{Executable: binary, Layers: proof.Layers}

	times := make(chan [2][]float64, 1)
	failed := make(chan error, 1)
	go func() {
		// Children die with this thread, and inherit its priority: what is in the
		// sandbox gives way to everything, so what is compared to it does too. The
		// thread ends with the goroutine.
		runtime.LockOSThread()
		contained, bare, err := byTurns(ctx, rounds, func() (*exec.Cmd, error) { return box.Command(ctx, job) },
			func() (*exec.Cmd, error) { return exec.CommandContext(ctx, program, args...), nil })
		failed <- err
		times <- [2][]float64{contained, bare}
	}()
	if err := <-failed; err != nil {
		return nil, err
	}
	measured := <-times
	cost := median(measured[0]) - median(measured[1])
	return []figures.Figure{
		figures.AtMost("sandbox: start of an ffmpeg, added", cost, "ms", 20),
		figures.AtMost("sandbox: forbidden things achieved", float64(len(proof.Through)), "", 0),
	}, nil
}

// byTurns runs two commands so many times and returns their milliseconds.
func byTurns(ctx context.Context, rounds int, first, second func() (*exec.Cmd, error)) (a, b []float64, err error) {
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, 19); err != nil {
		return nil, nil, err
	}
	for range rounds {
		for i, draw := range []func() (*exec.Cmd, error){first, second} {
			cmd, err := draw()
			if err != nil {
				return nil, nil, err
			}
			began := time.Now()
			if out, err := cmd.CombinedOutput(); err != nil {
				return nil, nil, fmt.Errorf("%w: %s", err, out)
			}
			took := float64(time.Since(began).Microseconds()) / 1000
			if i == 0 {
				a = append(a, took)
			} else {
				b = append(b, took)
			}
		}
	}
	return a, b, ctx.Err()
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}
