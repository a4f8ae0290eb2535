// Command bench measures what Meanwhile promises: it starts the built binary on
// fresh data, puts load on it, and compares with a bare program that does the
// same work without any of the features, in the same run on the same machine.
//
//	bench [-quick] [-list] [NAME…]
//
// Each line it prints is: name value unit target ok|miss.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"

	"github.com/meanwhile-app/meanwhile/bench/contain"
	figures "github.com/meanwhile-app/meanwhile/bench/figure"
	"github.com/meanwhile-app/meanwhile/bench/gate"
	"github.com/meanwhile-app/meanwhile/bench/scale"
)

// figure is one line of the result.
type figure = figures.Figure

// measure is one experiment, which may yield several figures.
type measure struct {
	name string
	what string
	run  func(context.Context, *lab) ([]figure, error)
}

// measures lists the experiments in the order of the promise.
func measures() []measure {
	return []measure{
		{"first-frame", "(a) from Stop to the first frame in a second browser; (g) script before it", firstFrame},
		{"ladder", "(b) CPU of the renditions against one bare ffmpeg command", ladderCPU},
		{"upload", "(c) 1 GiB over tus against a bare handler, memory growth", uploadSpeed},
		{"segments", "(d) media serving against http.FileServer", segmentSpeed},
		{"recordings", "(e) 200 recordings at once for a minute", manyRecordings},
		{"library", "(f) API calls on 10,000 videos and 5,000 comments", bigLibrary},
		{"whip", "recordings over WebRTC, 1, 20 and 50, against a bare receiver", overWebRTC},
		{"gate", "what the gate adds to the request of a segment", func(ctx context.Context, _ *lab) ([]figure, error) { return gate.Cost(ctx) }},
		{"sandbox", "what the sandbox adds to the start of an ffmpeg", func(ctx context.Context, l *lab) ([]figure, error) {
			return contain.Cost(ctx, l.binary, l.pick(60, 20))
		}},
		{"scale", "a cluster: jobs, shared renditions, two servers, long playlists, what a minute costs the stores", manyMachines},
	}
}

func main() {
	quick := flag.Bool("quick", false, "smaller loads, to try the bench itself")
	list := flag.Bool("list", false, "list the experiments")
	bare := flag.String("bare", "", "serve FOLDER as the bare program (used by the bench itself)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	switch {
	case *bare != "":
		exitOn(serveBare(*bare))
	case *list:
		for _, m := range measures() {
			fmt.Printf("%-12s %s\n", m.name, m.what)
		}
	default:
		exitOn(runAll(ctx, *quick, flag.Args()))
	}
}

// runAll runs the named experiments, or all; one that fails does not stop the next.
func runAll(ctx context.Context, quick bool, names []string) error {
	lab, err := newLab(quick)
	if err != nil {
		return err
	}
	defer lab.close()
	missed := 0
	for _, m := range measures() {
		if len(names) > 0 && !slices.Contains(names, m.name) {
			continue
		}
		found, err := m.run(ctx, lab)
		for _, figure := range found {
			fmt.Println(figure)
			if !figure.OK() {
				missed++
			}
		}
		if err != nil {
			missed++
			fmt.Printf("%-36s %v miss\n", m.name, err)
		}
	}
	if missed > 0 {
		return fmt.Errorf("%d missed", missed)
	}
	return nil
}

// manyMachines measures an installation of many processes.
func manyMachines(ctx context.Context, l *lab) ([]figure, error) {
	return scale.Run(ctx, scale.Lab{
		Binary: l.binary, Folder: l.folder, Quick: l.quick,
		Make: func(ctx context.Context, clip scale.Clip) (string, error) { return l.clip(ctx, clipSpec(clip)) },
	})
}

// exitOn ends the program with a sentence.
func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
