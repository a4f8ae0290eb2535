package ffmpeg_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg/sandbox"
)

// TestMain lets the test's binary be the launcher, so that the tests run ffmpeg
// in the sandbox that the server runs it in.
func TestMain(m *testing.M) {
	if status, mine := sandbox.Dispatch(os.Args); mine {
		os.Exit(status)
	}
	if name := filepath.Base(os.Args[0]); name == "threads" || name == "files" {
		misbehave(name)
	}
	os.Exit(m.Run())
}

// box is the best sandbox that this machine can do.
var box = sync.OnceValue(func() *sandbox.Sandbox {
	box, _, err := sandbox.Open(context.Background(), sandbox.Auto, "")
	if err != nil {
		return &sandbox.Sandbox{}
	}
	return box
})
