package segment_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog/segment"
)

func TestWhatIsPackedIsUnpacked(t *testing.T) {
	t.Parallel()
	list := []segment.Segment{
		{Offset: 1234, Length: 100_000, Start: -time.Millisecond, Duration: 2 * time.Second},
		{Offset: 101_234, Length: 1 << 40, Start: 1999 * time.Millisecond, Duration: 1},
		{Offset: 5, Start: 3 * time.Hour}, // back in bytes, on in time
		{Offset: 5, Length: 7, Start: time.Hour, Duration: time.Hour},
	}
	for n := range len(list) + 1 {
		packed := segment.Pack(list[:n])
		got, err := segment.Unpack(nil, packed)
		require.NoError(t, err)
		require.Equal(t, slices.Clone(list[:n]), append([]segment.Segment{}, got...))
	}
	before := []segment.Segment{{Offset: 9}}
	got, err := segment.Unpack(before, segment.Pack(list[:1]))
	require.NoError(t, err)
	require.Equal(t, []segment.Segment{{Offset: 9}, list[0]}, got)
}

func TestWhatIsPackedIsSmall(t *testing.T) {
	t.Parallel()
	var list []segment.Segment
	for n := range 5400 {
		list = append(list, segment.Segment{Offset: int64(n) * 300_000, Length: 300_000, Start: time.Duration(n) * 2 * time.Second, Duration: 2 * time.Second})
	}
	require.Less(t, len(segment.Pack(list)), 7*len(list))
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{2, 4, 6})
	f.Add(segment.Pack([]segment.Segment{{Offset: 3, Length: 4, Start: 5, Duration: 6}, {Offset: 7}}))
	f.Fuzz(func(t *testing.T, packed []byte) {
		list, err := segment.Unpack(nil, packed)
		if err != nil {
			require.Nil(t, list)
			return
		}
		again, err := segment.Unpack(nil, segment.Pack(list))
		require.NoError(t, err)
		require.Equal(t, list, again)
	})
}
