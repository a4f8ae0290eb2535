package ingest

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
)

// The floor: who brings less than leastBytes while we wait for them this long is
// let go, and may go on from where they stand. Sound alone is three times as much.
const (
	leastBytes = 30 << 10
	leastTime  = 30 * time.Second
)

// body is that of a request that sends. It notes when it has been read to its
// end, and ends when it comes too slowly.
type body struct {
	io.ReadCloser
	read atomic.Bool
	// late says that the bytes came too slowly, or not at all.
	late atomic.Bool

	line   *http.ResponseController
	now    func() time.Time
	waited time.Duration // for the bytes that came since it was 0; what a store takes is not the sender's fault
	came   int64
}

func (in *Ingest) bodyOf(c *gin.Context) *body {
	return &body{ReadCloser: c.Request.Body, line: http.NewResponseController(c.Writer), now: in.now}
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	began := b.now()
	n, err := b.ReadCloser.Read(p)
	b.waited += b.now().Sub(began)
	b.came += int64(n)
	if b.waited >= leastTime {
		if b.came < leastBytes && err == nil {
			// Nobody waits for the rest, either: net/http would, before it answers.
			err = errors.Join(os.ErrDeadlineExceeded, b.line.SetReadDeadline(longAgo()))
		}
		b.waited, b.came = 0, 0
	}
	if err != nil {
		b.read.Store(true)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		b.late.Store(true)
		err = os.ErrDeadlineExceeded
	}
	return n, err
}
