package stretch_test

import (
	"bytes"
	"encoding/binary"
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
