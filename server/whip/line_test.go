package whip_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/whip"
	"github.com/meanwhile-app/meanwhile/server/whip/mux"
)

// line is a bad line between a client and the server: it loses packets, delays
// each by another time, and so swaps them.
type line struct {
	loss        float64
	least, most time.Duration
	random      *rand.Rand

	outer  *net.UDPConn // where the client sends to
	inner  *net.UDPConn // from where the server is sent to
	server *net.UDPAddr

	mu     sync.Mutex
	client *net.UDPAddr
	cut    bool
	late   letters
	wake   chan struct{}
	lost   int
	passed int
}

// letter is a packet on its way.
type letter struct {
	due      time.Time
	data     []byte
	outwards bool
}

type letters []letter

func (l *letters) Len() int           { return len(*l) }
func (l *letters) Less(a, b int) bool { return (*l)[a].due.Before((*l)[b].due) }
func (l *letters) Swap(a, b int)      { (*l)[a], (*l)[b] = (*l)[b], (*l)[a] }
func (l *letters) Push(x any)         { *l = append(*l, x.(letter)) }
func (l *letters) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}

// through puts the line into an answer: the client finds the server behind it.
func (l *line) through(t testing.TB, answer string, seed uint64) string {
	t.Helper()
	candidate := regexp.MustCompile(`(a=candidate:\S+ \d udp \d+ 127\.0\.0\.1 )(\d+)`)
	match := candidate.FindStringSubmatch(answer)
	require.NotNil(t, match, answer)
	var err error
	l.server, err = net.ResolveUDPAddr("udp", "127.0.0.1:"+match[2])
	require.NoError(t, err)
	local := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}
	l.outer, err = net.ListenUDP("udp", local)
	require.NoError(t, err)
	l.inner, err = net.ListenUDP("udp", local)
	require.NoError(t, err)
	l.random, l.wake = rand.New(rand.NewPCG(seed, 1)), make(chan struct{}, 1)
	done := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() { l.read(l.outer, false) })
	all.Go(func() { l.read(l.inner, true) })
	all.Go(func() { l.deliver(done) })
	t.Cleanup(func() {
		close(done)
		_ = l.outer.Close()
		_ = l.inner.Close()
		all.Wait()
		t.Logf("seed %d: %d passed, %d lost", seed, l.passed, l.lost)
	})
	_, port, _ := strings.Cut(l.outer.LocalAddr().String(), ":")
	return candidate.ReplaceAllString(answer, fmt.Sprintf("${1}%s", port))
}

func (l *line) read(conn *net.UDPConn, outwards bool) {
	buffer := make([]byte, 2000)
	for {
		n, from, err := conn.ReadFromUDP(buffer)
		if err != nil {
			return
		}
		l.mu.Lock()
		if !outwards {
			l.client = from
		}
		if l.cut || l.random.Float64() < l.loss {
			l.lost++
		} else {
			l.passed++
			wait := l.least + time.Duration(l.random.Int64N(int64(l.most-l.least)+1))
			heap.Push(&l.late, letter{time.Now().Add(wait), append([]byte(nil), buffer[:n]...), outwards})
		}
		l.mu.Unlock()
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

func (l *line) deliver(done chan struct{}) {
	for {
		l.mu.Lock()
		wait := time.Hour
		for len(l.late) > 0 {
			if wait = time.Until(l.late[0].due); wait > 0 {
				break
			}
			next := heap.Pop(&l.late).(letter)
			if next.outwards && l.client != nil {
				_, _ = l.outer.WriteToUDP(next.data, l.client)
			} else if !next.outwards {
				_, _ = l.inner.WriteToUDP(next.data, l.server)
			}
			wait = time.Hour
		}
		l.mu.Unlock()
		select {
		case <-done:
			return
		case <-l.wake:
		case <-time.After(wait):
		}
	}
}

// sever cuts the line, or mends it.
func (l *line) sever(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
}

// TestABadLine records over a line that loses one packet in twenty and delays
// each by 10 to 60 ms. No picture may be damaged, nearly all must be there.
func TestABadLine(t *testing.T) {
	t.Parallel()
	for _, codec := range []mux.Codec{mux.H264, mux.VP8, mux.VP9, mux.AV1} {
		t.Run(string(codec), func(t *testing.T) {
			t.Parallel()
			c, tone := newClip(t, codec, "640x360", 150), newTone(t, 5)
			r := newRig(t, whip.Limits{})
			peer := newClient(t, r, wants{video: codec, audio: true})
			peer.line = &line{loss: 0.05, least: 10 * time.Millisecond, most: 60 * time.Millisecond}
			peer.publish(t, "ada")
			sent := peer.send(t, c, tone)
			peer.hangUp(t, "ada")
			got := hashes(t, r.tape(t, 0).file(t))
			requireInOrder(t, sent.hashes(), got)
			require.GreaterOrEqual(t, different(got)+sent.doubted(), 105, "lost packets are sent again")
		})
	}
}

// different counts pictures; one that was sent again is the same.
func different(pictures []string) int {
	list := slices.Sorted(slices.Values(pictures))
	return len(slices.Compact(list))
}

// requireInOrder checks that every picture is one that was sent, and after the one before.
func requireInOrder(t *testing.T, sent, got []string) {
	t.Helper()
	at := 0
	for n, hash := range got {
		for at < len(sent) && sent[at] != hash {
			at++
		}
		require.Less(t, at, len(sent), "picture %d of %d was not sent like this, or earlier", n, len(got))
		at++
	}
}
