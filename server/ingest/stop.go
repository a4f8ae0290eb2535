package ingest

import (
	"sync"
	"time"
)

// senders are the requests that send now. When the server stops, each of them
// is cut at what has come so far, which is kept: a recorder sends for ever.
type senders struct {
	mu      sync.Mutex
	leaving bool
	stopped bool
	open    map[*answer]struct{}
}

// Leave refuses new uploads from now on: another server takes them. Those that are
// open go on until Stop.
func (in *Ingest) Leave() {
	in.senders.mu.Lock()
	defer in.senders.mu.Unlock()
	in.senders.leaving = true
}

// mayBegin says whether new uploads are taken.
func (s *senders) mayBegin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.leaving && !s.stopped
}

// Stop ends the requests that send, with what came. Their clients are told to
// come back, and so are new ones. It may be called twice.
func (in *Ingest) Stop() {
	s := in.senders
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	for a := range s.open {
		_ = a.deadline(longAgo()) // a line that is gone needs no deadline
	}
}

// add says whether a request may begin.
func (s *senders) add(a *answer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		s.open[a] = struct{}{}
	}
	return !s.stopped
}

func (s *senders) remove(a *answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, a)
}

func (s *senders) stopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped
}

// longAgo is a deadline that ends a read which waits, and every later one.
func longAgo() time.Time { return time.Unix(1, 0) }
