package cluster_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cluster"
	"github.com/meanwhile-app/meanwhile/cluster/ledger"
	"github.com/meanwhile-app/meanwhile/cluster/toxic"
)

// TestKilledAtTheEnd (F4, F5): the server that takes the end of a recording is killed at
// every write of it – right before the stores get it, and right after, before the server
// hears of it – and the worker that makes a span of it, too. The end is sent again; there
// is one video, once, with every byte, and each webhook is told of it by one id.
func TestKilledAtTheEnd(t *testing.T) {
	t.Parallel()
	r, receiver := stepping(t)
	ending := &steps{wanted: []string{"PUT ", "answer: HTTP/1.1 200", "INSERT INTO parts", "UPDATE uploads", "river_insert", "INSERT INTO events", "^commit", committed}}
	making := &steps{last: committed, wanted: []string{"PUT ", "answer: HTTP/1.1 200", "UPDATE spans", "INSERT INTO tracks", "INSERT INTO events", "^commit", committed}}
	var starting sync.WaitGroup
	for turn := 0; !ending.over() || !making.over(); turn++ {
		u, err := r.ledger.Begin(t.Context(), t.Name(), r.clip.Take())
		require.NoError(t, err)
		require.NoError(t, u.Send(t.Context(), int64(len(u.Content)*9/10)))
		starting.Wait() // whoever was killed last
		var made func() (string, *cluster.Node)
		if !making.over() {
			made = r.trapWorkers(t, making.next, u)
		}
		if server := r.Servers[turn%len(r.Servers)]; !ending.over() {
			said, killed := r.endAt(t, server, ending.next, u)
			if ending.took(said, killed); killed {
				starting.Go(func() { assert.NoError(t, r.Restart(t.Context(), server)) })
			}
		}
		require.NoError(t, u.Finish(t.Context()))
		if made != nil {
			said, worker := made()
			if making.took(said, worker != nil); worker != nil {
				starting.Go(func() { assert.NoError(t, r.Restart(t.Context(), worker)) })
			}
		}
	}
	starting.Wait()
	ending.require(t)
	making.require(t)
	r.settled(t)
	require.NoError(t, r.Consistent(t.Context()))
	receiver.toldOnce(t, r.ledger)
}

// trapWorkers lets the worker that makes the span of a recording be killed at one step
// of it. What it returns waits for that: nobody is, where the span needs no more steps
// than those before.
func (r *rig) trapWorkers(t *testing.T, step int, u *ledger.Upload) (wait func() (string, *cluster.Node)) {
	t.Helper()
	sprung := make(chan int, len(r.Workers))
	traps := make([]*toxic.Trap, len(r.Workers))
	for i, node := range r.Workers {
		traps[i] = &toxic.Trap{About: u.Video, At: step, First: puts("/ladder/"), Counts: writes, Ends: idles, Spring: func() {
			for _, other := range r.Workers {
				if other != node {
					other.Lay(nil) // whoever does the job next is left alone
				}
			}
			node.Kill()
			sprung <- i
		}}
		node.Lay(traps[i])
	}
	return func() (string, *cluster.Node) {
		made := make(chan error, 1)
		go func() { made <- u.Ready(t.Context()) }()
		select {
		case <-sprung:
		case err := <-made:
			require.NoError(t, err)
		}
		said, killed := "", (*cluster.Node)(nil)
		for i, node := range r.Workers {
			node.Lay(nil)
			if sprung, passed := traps[i].Lift(); sprung {
				said, killed = titleOf(passed[step]), node
			}
		}
		return said, killed
	}
}

// stepSeconds is how long what is recorded step by step lasts: each step is a video.
const stepSeconds = 2

// stepping is a cluster for short recordings, and somebody who is told of each.
func stepping(t *testing.T) (*rig, *told) {
	t.Helper()
	receiver := &told{ids: map[string]map[string]bool{}}
	line := httptest.NewServer(receiver)
	t.Cleanup(line.Close)
	r := many(t, "MEANWHILE_WEBHOOK_PRIVATE=127.0.0.1")
	var err error
	r.clip, err = ledger.NewClip(t.Context(), stepSeconds)
	require.NoError(t, err)
	hook := map[string]any{"url": line.URL, "events": []string{"video.finished", "video.ready"}}
	require.NoError(t, r.client.JSON(t.Context(), http.MethodPost, "/api/webhooks", hook, nil))
	return r, receiver
}

// endAt sends the end of a recording to one server, which is killed at one step of it,
// unless it needs no more than those before.
func (r *rig) endAt(t *testing.T, node *cluster.Node, step int, u *ledger.Upload) (said string, killed bool) {
	t.Helper()
	ctx, lost := context.WithCancel(t.Context())
	defer lost()
	trap := &toxic.Trap{About: u.Video, At: step, First: puts("/src/"), Counts: writes, Ends: idles, Spring: func() { node.Kill(); lost() }}
	node.Lay(trap)
	defer node.Lay(nil)
	client, err := r.client.At(node.URL())
	require.NoError(t, err)
	err = ledger.New(client).Resume(u).Finish(ctx)
	sprung, passed := trap.Lift()
	if !sprung {
		require.NoError(t, err)
		return "", false
	}
	return titleOf(passed[step]), true
}

// puts is a request that writes an object of some kind.
func puts(kind string) func(toxic.Message) bool {
	return func(m toxic.Message) bool {
		return !m.Answer && bytes.HasPrefix(m.Text, []byte("PUT ")) && bytes.Contains(m.Text, []byte(kind))
	}
}

// What is written: by S3's requests and PostgreSQL's, the latter told as a text or as one
// that was prepared; and the answers that say that it is safe now.
var (
	asked    = regexp.MustCompile(`^(PUT|POST|DELETE) /|^Q(?s:.{4})\s*(?i:INSERT|UPDATE|DELETE|WITH|COMMIT)|^B.{0,400}stmtcache`)
	answered = regexp.MustCompile(`^HTTP/1\.1 2|^C(?s:.{4})COMMIT`)
	replied  = regexp.MustCompile(`^HTTP/1\.1 [2-5]`)
)

func writes(m toxic.Message) bool {
	if m.Answer {
		return answered.Match(m.Text)
	}
	return asked.Match(m.Text)
}

// idles is an answer after which nothing is asked any more of what a connection was
// about: S3's, or PostgreSQL's that it is in no transaction.
func idles(m toxic.Message) bool {
	return m.Answer && (replied.Match(m.Text) || bytes.HasSuffix(m.Text, []byte("Z\x00\x00\x00\x05I")))
}

// What a message writes, and otherwise its first line.
var (
	writing = regexp.MustCompile(`(?:INSERT INTO|UPDATE|DELETE FROM) "?[a-z_]+"?|river_insert|(?i:commit)`)
	first   = regexp.MustCompile(`^[[:print:]]{0,80}`)
)

// titleOf is what a message is about, in one line.
func titleOf(m toxic.Message) string {
	said := writing.FindAllString(string(m.Text), -1)
	if said == nil {
		said = first.FindAllString(string(m.Text), 1)
	}
	title := strings.ReplaceAll(strings.Join(said, ", "), `"`, "")
	if m.Answer {
		return "answer: " + title
	}
	return title
}

// committed is the answer that a transaction is safe.
const committed = "answer: COMMIT"

// steps are the messages at which somebody was killed, one after the other.
type steps struct {
	wanted []string // somebody must be killed at
	last   string   // is the last of them, if it is known
	said   []string
	next   int
	turns  int // how often there were no more steps
}

// mostTurns is how often the steps are gone through at most.
const mostTurns = 4

// took is told what came of the next step, if there was one. What is written beside may
// come between the steps or not, and one that is wanted be passed over: then they are
// gone through once more.
func (s *steps) took(said string, killed bool) {
	if killed {
		s.next++
		s.said = append(s.said, said)
	}
	if !killed || said == s.last {
		s.next, s.turns = 0, s.turns+1
	}
}

// over says whether all steps have been taken.
func (s *steps) over() bool {
	return s.turns == mostTurns || s.turns > 0 && len(s.missing()) == 0
}

func (s *steps) missing() (patterns []string) {
	for _, pattern := range s.wanted {
		if !regexp.MustCompile("(?m)" + pattern).MatchString(strings.Join(s.said, "\n")) {
			patterns = append(patterns, pattern)
		}
	}
	return patterns
}

func (s *steps) require(t *testing.T) {
	t.Helper()
	t.Logf("killed at\n%s", strings.Join(s.said, "\n"))
	require.Empty(t, s.missing(), "nobody was killed at these")
}

// told is a receiver of webhooks: the ids of what it was told, by kind and video.
type told struct {
	mu  sync.Mutex
	ids map[string]map[string]bool
}

// ServeHTTP implements http.Handler.
func (r *told) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var message struct {
		Type string
		Data struct{ Video struct{ ID string } }
	}
	if json.NewDecoder(req.Body).Decode(&message) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	about := message.Type + " " + message.Data.Video.ID
	if r.ids[about] == nil {
		r.ids[about] = map[string]bool{}
	}
	r.ids[about][req.Header.Get("Webhook-Id")] = true
}

// toldOnce wants that of every recording its end and its readiness were told, each by
// one id.
func (r *told) toldOnce(t *testing.T, book *ledger.Ledger) {
	t.Helper()
	missing := func() (about []string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, u := range book.Uploads() {
			for _, kind := range []string{"video.finished", "video.ready"} {
				if len(r.ids[kind+" "+u.Video]) != 1 {
					about = append(about, fmt.Sprint(kind, " ", u.Video, ": ", r.ids[kind+" "+u.Video]))
				}
			}
		}
		return about
	}
	require.Eventually(t, func() bool { return len(missing()) == 0 }, 2*soon, 50*time.Millisecond, "%v", missing)
	require.Empty(t, missing())
}
