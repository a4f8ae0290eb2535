package ladder

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// stretchLastSample makes the last sample of a fragmented MP4 with one track
// last until end, in ticks of the track. The muxer can only guess that duration:
// with a variable frame rate the next frame, which lies in the next span, tells.
func stretchLastSample(path string, end int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	moof, err := lastMoof(f)
	if err == nil && moof != nil {
		err = moof.rewrite(f, end)
	}
	return errors.Join(err, f.Close())
}

// tailBox is a box at a place in the file.
type tailBox struct{ offset, size int64 }

// lastMoof walks the top-level boxes; nil means that there is none.
func lastMoof(f *os.File) (*tailBox, error) {
	var found *tailBox
	var head [16]byte
	for at := int64(0); ; {
		n, err := f.ReadAt(head[:], at)
		if n < 8 {
			if errors.Is(err, io.EOF) {
				return found, nil
			}
			return nil, err
		}
		size := int64(binary.BigEndian.Uint32(head[:]))
		if size == 1 && n == 16 {
			size = int64(binary.BigEndian.Uint64(head[8:]))
		}
		if size < 8 {
			return nil, fmt.Errorf("%w: box of %d bytes", errLayout, size)
		}
		if string(head[4:8]) == "moof" {
			found = &tailBox{offset: at, size: size}
		}
		at += size
	}
}

func (b tailBox) rewrite(f *os.File, end int64) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	rest := make([]byte, info.Size()-b.offset)
	if _, err := f.ReadAt(rest, b.offset); err != nil {
		return err
	}
	moof, err := withLastUntil(rest[:b.size], end)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(moof, b.offset); err != nil {
		return err
	}
	_, err = f.WriteAt(rest[b.size:], b.offset+int64(len(moof)))
	return err
}

// The flags of tfhd and trun that matter here (ISO 14496-12, 8.8.7 and 8.8.8).
const (
	tfhdBase        = 0x01
	tfhdDescription = 0x02
	tfhdDuration    = 0x08

	trunOffset   = 0x001
	trunFirst    = 0x004
	trunDuration = 0x100
	trunSize     = 0x200
	trunFlags    = 0x400
	trunCTS      = 0x800
)

// withLastUntil returns moof with the last sample's duration set so that it ends
// at end. Where durations are left to the default, the table is written out.
func withLastUntil(moof []byte, end int64) ([]byte, error) {
	traf, err := find(moof, 8, "traf")
	if err != nil {
		return nil, err
	}
	var boxes [3]tailBox
	for i, kind := range []string{"tfhd", "tfdt", "trun"} {
		if boxes[i], err = find(moof[:traf.offset+traf.size], traf.offset+8, kind); err != nil {
			return nil, err
		}
	}
	tfhd, tfdt, trun := boxes[0].bytes(moof), boxes[1].bytes(moof), boxes[2].bytes(moof)
	table, err := readRun(trun, defaultDuration(tfhd))
	if err != nil {
		return nil, err
	}
	start := baseTime(tfdt)
	last := len(table.durations) - 1
	for _, d := range table.durations[:last] {
		start += int64(d)
	}
	if end <= start || end-start > 1<<31 {
		return moof, nil // the span has no room for it; leave the muxer's guess
	}
	table.durations[last] = uint32(end - start)
	return splice(moof, traf, boxes[2], table), nil
}

func (b tailBox) bytes(in []byte) []byte { return in[b.offset : b.offset+b.size] }

func find(b []byte, from int64, kind string) (tailBox, error) {
	for at := from; at+8 <= int64(len(b)); {
		size := int64(binary.BigEndian.Uint32(b[at:]))
		if size < 8 || at+size > int64(len(b)) {
			break
		}
		if string(b[at+4:at+8]) == kind {
			if size < 16 {
				break
			}
			return tailBox{at, size}, nil
		}
		at += size
	}
	return tailBox{}, fmt.Errorf("%w: no %s", errLayout, kind)
}

// defaultDuration reads the default of tfhd, 0 if it has none.
func defaultDuration(tfhd []byte) uint32 {
	at := 16
	for flag, width := range map[byte]int{tfhdBase: 8, tfhdDescription: 4} {
		if tfhd[11]&flag != 0 {
			at += width
		}
	}
	if tfhd[11]&tfhdDuration == 0 || len(tfhd) < at+4 {
		return 0
	}
	return binary.BigEndian.Uint32(tfhd[at:])
}

func baseTime(tfdt []byte) int64 {
	if tfdt[8] == 1 && len(tfdt) >= 20 {
		return int64(binary.BigEndian.Uint64(tfdt[12:]))
	}
	return int64(binary.BigEndian.Uint32(tfdt[12:]))
}
