package stretch_test

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/transcode/source/stretch"
)

// TestBoxesWithinBoxes: a file of boxes, each in the one before, ends in an error
// and not in the end of the stack, and with it of the process.
func TestBoxesWithinBoxes(t *testing.T) {
	t.Parallel()
	const depth = 6_000_000
	for _, kind := range []string{"mdia", "edts"} {
		moov := make([]byte, 8*depth)
		for i := range depth {
			binary.BigEndian.PutUint32(moov[8*i:], uint32(len(moov)-8*i))
			copy(moov[8*i+4:], kind)
		}
		copy(moov[4:], "moov")
		copy(moov[12:], "trak")
		_, err := stretch.Read(bytes.NewReader(moov), int64(len(moov)))
		require.ErrorIs(t, err, stretch.ErrNoIndex)
	}
}

func box(kind string, body ...[]byte) []byte {
	all := bytes.Join(body, nil)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(all)+8)), kind...), all...)
}

func numbers(all ...uint32) (raw []byte) {
	for _, n := range all {
		raw = binary.BigEndian.AppendUint32(raw, n)
	}
	return raw
}

// pictures is a file of so many pictures of one byte.
func pictures(n uint32, more ...[]byte) []byte {
	tables := box("stbl", append(more, box("stsz", numbers(0, 1, n)), box("stsc", numbers(0, 1, 1, n, 1)), box("stco", numbers(0, 1, 0)), box("stts", numbers(0, 1, n, 1)))...)
	media := box("mdia", box("mdhd", numbers(0, 0, 0, 1000, n)), box("hdlr", numbers(0, 0), []byte("vide")), box("minf", tables))
	return append(box("mdat", make([]byte, n)), box("moov", box("mvhd", make([]byte, 100)), box("trak", media))...)
}

// TestPicturesWithoutEnd: a few bytes may name millions of pictures, which must not
// take the memory of all other jobs.
func TestPicturesWithoutEnd(t *testing.T) { //nolint:paralleltest // it looks at the memory of the process
	const most = 2 << 20
	read := func(file []byte) (*stretch.Plan, uint64, error) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		plan, err := stretch.Read(bytes.NewReader(file), int64(len(file)))
		runtime.ReadMemStats(&after)
		return plan, (after.TotalAlloc - before.TotalAlloc) >> 20, err
	}
	plan, taken, err := read(pictures(most))
	require.NoError(t, err)
	require.NotEmpty(t, plan.Ranges(0, 1))
	require.Less(t, taken, uint64(1024), "MiB")
	for name, file := range map[string][]byte{
		"pictures":   pictures(most + 1),
		"key frames": pictures(8, box("stss", numbers(0, most+1), make([]byte, 4*(most+1)))),
	} {
		_, taken, err = read(file)
		require.ErrorIs(t, err, stretch.ErrNoIndex, name)
		require.Less(t, taken, uint64(64), "MiB for %s", name)
	}
}
