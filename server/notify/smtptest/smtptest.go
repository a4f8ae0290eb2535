// Package smtptest is a mail server for tests: it speaks enough SMTP to take
// letters, refuse them, encrypt and ask for a password, and keeps what it got.
package smtptest

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"sync"
)

// Letter is what came in.
type Letter struct {
	From string
	To   []string
	// Raw is the message as it was sent, with its headers.
	Raw string
	// Encrypted says that it came through TLS; User is who signed in.
	Encrypted bool
	User      string
}

// Server takes mail until it is closed.
type Server struct {
	// StartTLS offers encryption; with Implicit the connection begins with it.
	TLS      *tls.Config
	Implicit bool
	// Users are passwords by name; with any, mail is taken from them alone.
	Users map[string]string
	// Answer may answer a command ("MAIL", "RCPT", "DATA", ".") otherwise: "550 5.1.1
	// no such user". An empty string means as usual; "hang" means never.
	Answer func(verb, argument string) string

	listener net.Listener
	open     sync.WaitGroup
	done     chan struct{}

	mu      sync.Mutex
	letters []Letter
	conns   map[net.Conn]struct{}
}

// Start listens on a free port of this machine.
func (s *Server) Start() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it only begins to listen
	if err != nil {
		return err
	}
	if s.Implicit {
		listener = tls.NewListener(listener, s.TLS)
	}
	s.listener, s.done, s.conns = listener, make(chan struct{}), map[net.Conn]struct{}{}
	s.open.Go(s.accept)
	return nil
}

// Addr is where it listens.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close ends all connections.
func (s *Server) Close() error {
	close(s.done)
	err := s.listener.Close()
	s.mu.Lock()
	for conn := range s.conns {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.open.Wait()
	return err
}

// Letters are what came in so far.
func (s *Server) Letters() []Letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Letter(nil), s.letters...)
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[conn] = struct{}{}
		s.mu.Unlock()
		s.open.Go(func() {
			defer conn.Close()
			(&talk{server: s, conn: conn, encrypted: s.Implicit}).run()
		})
	}
}

// talk is one connection.
type talk struct {
	server    *Server
	conn      net.Conn
	in        *textproto.Reader
	encrypted bool
	user      string
	letter    Letter
}

func (t *talk) say(lines ...string) bool {
	_, err := io.WriteString(t.conn, strings.Join(lines, "\r\n")+"\r\n")
	return err == nil
}

func (t *talk) run() {
	t.in = textproto.NewReader(bufio.NewReader(t.conn))
	if !t.say("220 test ESMTP") {
		return
	}
	for {
		line, err := t.in.ReadLine()
		if err != nil {
			return
		}
		verb, argument, _ := strings.Cut(line, " ")
		if !t.answer(strings.ToUpper(verb), argument) {
			return
		}
	}
}

// answer returns false when the connection ends.
func (t *talk) answer(verb, argument string) bool {
	if other := t.other(verb, argument); other != "" {
		return t.say(other)
	}
	switch verb {
	case "EHLO", "HELO":
		return t.say(t.greeting()...)
	case "STARTTLS":
		return t.encrypt()
	case "AUTH":
		return t.authenticate(argument)
	case "MAIL":
		if len(t.server.Users) > 0 && t.user == "" {
			return t.say("530 5.7.0 Authentication required")
		}
		t.letter = Letter{From: address(argument), Encrypted: t.encrypted, User: t.user}
		return t.say("250 2.1.0 ok")
	case "RCPT":
		t.letter.To = append(t.letter.To, address(argument))
		return t.say("250 2.1.5 ok")
	case "DATA":
		return t.data()
	case "RSET", "NOOP":
		return t.say("250 2.0.0 ok")
	case "QUIT":
		t.say("221 2.0.0 bye")
		return false
	}
	return t.say("502 5.5.1 not here")
}

// other is what a test wants to be answered.
func (t *talk) other(verb, argument string) string {
	if t.server.Answer == nil {
		return ""
	}
	other := t.server.Answer(verb, argument)
	if other == "hang" {
		<-t.server.done
	}
	return other
}

func (t *talk) greeting() []string {
	lines := []string{"250-test", "250-8BITMIME", "250-SMTPUTF8", "250-ENHANCEDSTATUSCODES"}
	if t.server.TLS != nil && !t.encrypted {
		lines = append(lines, "250-STARTTLS")
	}
	if len(t.server.Users) > 0 {
		lines = append(lines, "250-AUTH PLAIN")
	}
	return append(lines, "250 SIZE 10000000")
}

func (t *talk) encrypt() bool {
	if t.server.TLS == nil || !t.say("220 2.0.0 go ahead") {
		return false
	}
	secure := tls.Server(t.conn, t.server.TLS)
	if secure.Handshake() != nil { //nolint:noctx // Close ends it
		return false
	}
	t.conn, t.encrypted = secure, true
	t.in = textproto.NewReader(bufio.NewReader(secure))
	return true
}

func (t *talk) authenticate(argument string) bool {
	_, encoded, _ := strings.Cut(argument, " ")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	parts := strings.Split(string(raw), "\x00")
	if err != nil || len(parts) != 3 || t.server.Users[parts[1]] == "" || t.server.Users[parts[1]] != parts[2] {
		return t.say("535 5.7.8 Authentication credentials invalid")
	}
	t.user = parts[1]
	return t.say("235 2.7.0 welcome")
}

func (t *talk) data() bool {
	if !t.say("354 go ahead") {
		return false
	}
	raw, err := t.in.ReadDotBytes()
	if err != nil {
		return false
	}
	if other := t.other(".", ""); other != "" {
		return t.say(other)
	}
	t.letter.Raw = string(raw)
	t.server.mu.Lock()
	t.server.letters = append(t.server.letters, t.letter)
	n := len(t.server.letters)
	t.server.mu.Unlock()
	return t.say(fmt.Sprintf("250 2.0.0 kept as %d", n))
}

// address is what stands between the angle brackets.
func address(argument string) string {
	_, rest, _ := strings.Cut(argument, "<")
	inner, _, _ := strings.Cut(rest, ">")
	return inner
}
