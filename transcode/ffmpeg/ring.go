package ffmpeg

import "sync"

// ring keeps the last bytes written to it. A hostile file can make ffmpeg print
// gigabytes; nobody needs more than the end.
type ring struct {
	mu   sync.Mutex
	size int
	buf  []byte
	// next is where the next byte goes once buf is full.
	next int
}

func newRing(size int) *ring { return &ring{size: size} }

// Write implements io.Writer and never fails.
func (r *ring) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(p)
	if n > r.size {
		p = p[n-r.size:]
	}
	if room := r.size - len(r.buf); room > 0 {
		take := min(room, len(p))
		r.buf = append(r.buf, p[:take]...)
		p = p[take:]
	}
	for len(p) > 0 {
		copied := copy(r.buf[r.next:], p)
		p = p[copied:]
		r.next = (r.next + copied) % r.size
	}
	return n, nil
}

// String returns what was kept, oldest first.
func (r *ring) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.buf[r.next:]) + string(r.buf[:r.next])
}
