package toxic

import (
	"bytes"
	"slices"
	"sync"
)

// Trap springs at one of the messages about something. That one does not arrive any
// more, and none after it: whoever is killed by a trap has not asked for what the message
// wants, or has not heard of it.
type Trap struct {
	// About is what a message holds, or one before it on the same connection.
	About string
	// First says at which message counting begins, and Counts which are counted.
	First, Counts func(Message) bool
	// Ends says after which answer a connection is about something else again; nil is
	// never.
	Ends func(Message) bool
	// At is how many of those pass before the trap springs.
	At int
	// Spring does what the trap is for. Nothing passes meanwhile.
	Spring func()

	mu     sync.Mutex
	passed []Message
	begun  bool
	sprung bool
	lifted bool
}

// Message is what is sent at once, or as much of it as is read at once.
type Message struct {
	Text   []byte
	Answer bool
}

// talk is what a trap remembers of a connection.
type talk struct{ about *Trap }

// Lay lays a trap on a line; it may lie on several. nil takes it away.
func (p *Proxy) Lay(trap *Trap) { p.trap.Store(trap) }

// lets says whether a message may pass.
func (t *Trap) lets(on *talk, message Message) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sprung {
		return false // whoever sent it is gone
	}
	if bytes.Contains(message.Text, []byte(t.About)) {
		on.about = t
	}
	if on.about != t || t.lifted {
		return true
	}
	if t.Ends != nil && t.Ends(message) {
		on.about = nil // from the next one on
	}
	t.begun = t.begun || t.First(message)
	if !t.begun || !t.Counts(message) {
		return true
	}
	t.passed = append(t.passed, Message{bytes.Clone(message.Text), message.Answer})
	if len(t.passed) <= t.At {
		return true
	}
	t.sprung = true
	t.Spring()
	return false
}

// Lift takes the trap away: if it has not sprung it never will. It says whether it has,
// and what was counted: the last message is the one that did not arrive.
func (t *Trap) Lift() (sprung bool, counted []Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lifted = true
	return t.sprung, slices.Clone(t.passed)
}
