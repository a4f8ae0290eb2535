package reception

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"
)

func packet(seq uint16) *rtp.Packet {
	return &rtp.Packet{Header: rtp.Header{SequenceNumber: seq}, Payload: []byte{1}}
}

// take pops all that is ready: sequence numbers, and whether something before them was lost.
func take(r *reorder, now time.Time) (seqs []uint16, lost []bool) {
	for {
		p, ok := r.pop(now)
		if !ok {
			return seqs, lost
		}
		seqs, lost = append(seqs, p.SequenceNumber), append(lost, p.lost)
	}
}

func TestOrderIsRestored(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	r := newReorder(time.Second)
	now := time.Unix(1, 0)
	sent := make([]uint16, 70_000) // around the end of the numbers
	for i := range sent {
		sent[i] = uint16(i)
	}
	shuffled := append([]uint16(nil), sent...)
	for i := 1; i+8 < len(shuffled); i += 8 {
		random.Shuffle(8, func(a, b int) { shuffled[i+a], shuffled[i+b] = shuffled[i+b], shuffled[i+a] })
	}
	var got []uint16
	for _, seq := range shuffled {
		r.push(packet(seq), now)
		r.push(packet(seq), now) // twice is once
		seqs, lost := take(r, now)
		require.NotContains(t, lost, true)
		got = append(got, seqs...)
	}
	require.Equal(t, sent, got)
	require.Zero(t, r.bytes)
}

func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	r := newReorder(time.Second)
	now := time.Unix(1, 0)
	for _, seq := range []uint16{65534, 65535, 2, 3} {
		r.push(packet(seq), now)
	}
	seqs, _ := take(r, now.Add(time.Second-1))
	require.Equal(t, []uint16{65534, 65535}, seqs)
	seqs, lost := take(r, now.Add(time.Second))
	require.Equal(t, []uint16{2, 3}, seqs)
	require.Equal(t, []bool{true, false}, lost)
	r.push(packet(1), now)
	seqs, _ = take(r, now.Add(time.Hour))
	require.Empty(t, seqs, "too late")
}

func TestMemoryOfTheBufferIsBounded(t *testing.T) {
	t.Parallel()
	r := newReorder(time.Hour)
	now := time.Unix(1, 0)
	r.push(packet(0), now)
	take(r, now)
	for i := range 500_000 {
		p := packet(uint16(2 + 2*i)) // every other one is missing
		p.Payload = make([]byte, 1200)
		r.push(p, now)
		take(r, now)
		require.LessOrEqual(t, len(r.waiting), maxWaiting+1)
		require.LessOrEqual(t, r.bytes, maxWaitingBytes+1200)
	}
}

func TestAnotherStreamBegins(t *testing.T) {
	t.Parallel()
	r := newReorder(time.Second)
	now := time.Unix(1, 0)
	r.push(packet(10), now)
	r.push(packet(40_000), now) // one alone is a stray
	r.push(packet(11), now)
	seqs, _ := take(r, now)
	require.Equal(t, []uint16{10, 11}, seqs)
	r.push(packet(30_000), now)
	r.push(packet(30_001), now)
	seqs, lost := take(r, now)
	require.Equal(t, []uint16{30_001}, seqs)
	require.Equal(t, []bool{true}, lost)
}
