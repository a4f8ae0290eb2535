// Package toxic is a line that can be harmed: a TCP proxy which refuses, delays,
// throttles, cuts off after some bytes, falls silent or answers in the place of
// what stands behind it. Harm is done and taken back while connections are open.
package toxic

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Harm is what is wrong with a line; the zero value is a good one.
type Harm struct {
	// Refuse cuts the connections that are open and resets every new one.
	Refuse bool
	// Mute lets nothing through and tells nobody: the line is half-open.
	Mute bool
	// Latency holds each piece of bytes back, on the way there.
	Latency time.Duration
	// Rate is how many bytes a second pass, of each connection and each way; 0
	// is no bound.
	Rate int
	// CutAfter resets a connection once so many bytes of answers have passed; 0
	// never.
	CutAfter int64
	// Answer is said to whoever connects, in place of what stands behind.
	Answer string
}

// SlowDown is what S3 says when it wants less to do.
const SlowDown = "HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\nContent-Length: 93\r\n\r\n" +
	`<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>`

// Proxy passes connections on to an address.
type Proxy struct {
	target   string
	listener net.Listener
	harm     atomic.Pointer[Harm]
	trap     atomic.Pointer[Trap]
	closed   chan struct{}
	running  sync.WaitGroup

	mu      sync.Mutex
	lines   map[net.Conn]bool
	changed chan struct{} // is closed when the harm changes
}

// Listen opens a good line to an address on a free port of the loopback.
func Listen(ctx context.Context, target string) (*Proxy, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{target: target, listener: listener, closed: make(chan struct{}), lines: map[net.Conn]bool{}, changed: make(chan struct{})}
	p.harm.Store(&Harm{})
	p.running.Go(p.accept)
	return p, nil
}

// endTime is how long an end of a line may take to be there, or to be gone: who is
// slow in that has lost nothing.
const endTime = time.Minute

// Addr is where the line begins, host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Set does harm from now on, or heals by the zero value. Connections that are
// open feel it, too.
func (p *Proxy) Set(harm Harm) {
	p.harm.Store(&harm)
	p.mu.Lock()
	close(p.changed)
	p.changed = make(chan struct{})
	p.mu.Unlock()
	if harm.Refuse || harm.Answer != "" {
		p.Reset()
	}
}

// Reset cuts every open connection, as a router that restarts.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for line := range p.lines {
		cut(line)
	}
}

// Close ends the line.
func (p *Proxy) Close() error {
	close(p.closed)
	err := p.listener.Close()
	p.Reset()
	p.running.Wait()
	return err
}

func (p *Proxy) accept() {
	for {
		line, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			p.running.Go(func() { p.serve(line) })
		}
	}
}

func (p *Proxy) serve(line net.Conn) {
	defer p.keep(line)()
	harm := p.harm.Load()
	switch {
	case harm.Refuse:
		cut(line)
		return
	case harm.Answer != "":
		answer(line, harm.Answer)
		return
	}
	onward, err := (&net.Dialer{Timeout: endTime}).Dial("tcp", p.target)
	if err != nil {
		cut(line)
		return
	}
	defer p.keep(onward)()
	var both sync.WaitGroup
	talk := &talk{}
	both.Go(func() { p.pass(onward, line, talk, false) })
	both.Go(func() { p.pass(line, onward, talk, true) })
	both.Wait()
}

// keep remembers a connection until the returned function ends it.
func (p *Proxy) keep(line net.Conn) (end func()) {
	p.mu.Lock()
	p.lines[line] = true
	p.mu.Unlock()
	select {
	case <-p.closed:
		cut(line)
	default:
	}
	return func() {
		p.mu.Lock()
		delete(p.lines, line)
		p.mu.Unlock()
		line.Close()
	}
}

// pass carries bytes one way until that way ends.
func (p *Proxy) pass(to, from net.Conn, talk *talk, answers bool) {
	buf := make([]byte, 16<<10)
	var passed int64
	for {
		n, err := from.Read(buf)
		if n > 0 {
			harm := p.obstruct(n, answers)
			if trap := p.trap.Load(); trap != nil && !trap.lets(talk, Message{Text: buf[:n], Answer: answers}) {
				cut(to)
				cut(from)
				return
			}
			if harm.CutAfter > 0 && answers && passed+int64(n) > harm.CutAfter {
				_, _ = to.Write(buf[:max(0, harm.CutAfter-passed)])
				cut(to)
				cut(from)
				return
			}
			if _, err := to.Write(buf[:n]); err != nil {
				cut(from)
				return
			}
			passed += int64(n)
		}
		if err != nil {
			end(to, err)
			return
		}
	}
}

// obstruct holds n bytes back as long as the line's harm says, and returns what
// is wrong with it then.
func (p *Proxy) obstruct(n int, answers bool) *Harm {
	for {
		p.mu.Lock()
		changed, harm := p.changed, p.harm.Load()
		p.mu.Unlock()
		var hold time.Duration
		if !answers {
			hold = harm.Latency
		}
		if harm.Rate > 0 {
			hold += time.Duration(n) * time.Second / time.Duration(harm.Rate)
		}
		var done <-chan time.Time
		if !harm.Mute {
			if hold == 0 {
				return harm
			}
			done = time.After(hold)
		}
		select {
		case <-done:
			return harm
		case <-changed: // bytes that were held back follow the new rule
		case <-p.closed:
			return harm
		}
	}
}

// end passes the end of one way on: a clean one as such, another as a reset.
func end(to net.Conn, err error) {
	if half, ok := to.(*net.TCPConn); ok && errors.Is(err, io.EOF) {
		_ = half.CloseWrite()
		return
	}
	cut(to)
}

// cut ends a connection by a reset.
func cut(line net.Conn) {
	if tcp, ok := line.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	line.Close()
}

// answer says something to whoever has asked, and hears the rest of the request
// out, so that the answer is read.
func answer(line net.Conn, text string) {
	first := make([]byte, 4<<10)
	if _, err := line.Read(first); err != nil {
		return
	}
	_, _ = io.WriteString(line, text)
	end(line, io.EOF)
	_ = line.SetReadDeadline(time.Now().Add(endTime))
	_, _ = io.Copy(io.Discard, line)
}
