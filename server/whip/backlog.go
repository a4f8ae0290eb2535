package whip

import (
	"sync"
	"sync/atomic"
)

const (
	// backlogEach is how much one recording may wait in memory for a storage that
	// is away: some minutes as browsers send, more than a minute at the ceiling.
	backlogEach = 96 << 20
	// backlogAll is the same for all recordings of a server.
	backlogAll = 1 << 30
)

// backlog is what was recorded and is not kept yet, in order. A client of ours
// over WebRTC keeps nothing itself.
type backlog struct {
	all *atomic.Int64 // bytes that wait in all recordings

	mu     sync.Mutex
	chunks [][]byte
	bytes  int64
	closed bool
	ready  sync.Cond
}

func newBacklog(all *atomic.Int64) *backlog {
	b := &backlog{all: all}
	b.ready.L = &b.mu
	return b
}

// add puts a chunk at the end. It returns false, and keeps nothing, when that is
// more than may wait.
func (b *backlog) add(chunk []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := int64(len(chunk))
	if b.bytes+n > backlogEach || b.all.Load()+n > backlogAll {
		return false
	}
	b.all.Add(n)
	b.bytes += n
	b.chunks = append(b.chunks, chunk)
	b.ready.Signal()
	return true
}

// next waits for the first chunk; false is the end. A chunk counts until it is
// given back by done.
func (b *backlog) next() ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.chunks) == 0 && !b.closed {
		b.ready.Wait()
	}
	if len(b.chunks) == 0 {
		return nil, false
	}
	chunk := b.chunks[0]
	b.chunks[0] = nil
	b.chunks = b.chunks[1:]
	return chunk, true
}

// done says that a chunk needs no memory any more.
func (b *backlog) done(chunk []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes -= int64(len(chunk))
	b.all.Add(-int64(len(chunk)))
}

// close says that nothing more comes.
func (b *backlog) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.ready.Signal()
}
