package hostile_test

import (
	"bytes"
	"encoding/binary"
)

// isoBox is a box of an MP4.
func isoBox(kind string, parts ...[]byte) []byte {
	data := bytes.Join(parts, nil)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(data)+8)), kind...), data...)
}

func long(values ...uint32) []byte {
	var out []byte
	for _, v := range values {
		out = binary.BigEndian.AppendUint32(out, v)
	}
	return out
}

// movie is a QuickTime file with one track of photos, all of them the same bytes
// of the file: the smaller the file, the more it can be.
type movie struct {
	photo         []byte
	width, height uint16
	count         int
	rate          uint32 // photos a second
	reference     []byte // where the samples are, if elsewhere
}

func (m movie) bytes() []byte {
	head := append(isoBox("ftyp", []byte("qt  \x00\x00\x00\x00qt  ")), isoBox("mdat", m.photo)...)
	count := uint32(m.count)
	places := make([]uint32, m.count)
	for i := range places {
		places[i] = uint32(len(head) - len(m.photo))
	}
	if m.reference == nil {
		m.reference = isoBox("url ", long(1))
	}
	size := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, m.width), m.height)
	entry := isoBox("jpeg", make([]byte, 6), []byte{0, 1}, make([]byte, 16), size, long(72<<16, 72<<16, 0), []byte{0, 1}, make([]byte, 32), []byte{0, 24, 0xff, 0xff})
	table := isoBox("stbl", isoBox("stsd", long(0, 1), entry), isoBox("stts", long(0, 1, count, 1)), isoBox("stsc", long(0, 1, 1, 1, 1)),
		isoBox("stsz", long(0, uint32(len(m.photo)), count)), isoBox("stco", long(0, count), long(places...)))
	media := isoBox("mdia", isoBox("mdhd", long(0, 0, 0, m.rate, count, 0)), isoBox("hdlr", long(0), []byte("mhlrvide"), long(0, 0, 0)),
		isoBox("minf", isoBox("vmhd", long(1, 0, 0)), isoBox("dinf", isoBox("dref", long(0, 1), m.reference)), table))
	track := isoBox("trak", isoBox("tkhd", long(3, 0, 0, 1, 0, count), make([]byte, 16), long(1<<16, 0, 0, 0, 1<<16, 0, 0, 0, 1<<30),
		long(uint32(m.width)<<16, uint32(m.height)<<16)), media)
	return append(head, isoBox("moov", isoBox("mvhd", long(0, 0, 0, m.rate, count, 1<<16), make([]byte, 76)), track)...)
}

// movWithAlias keeps its samples in another file, which a Macintosh alias names.
func movWithAlias(path string) []byte {
	alias := append(make([]byte, 150), 0, 2) // an absolute path follows
	alias = binary.BigEndian.AppendUint16(alias, uint16(len(path)))
	alias = append(alias, path...)
	alias = append(alias, make([]byte, len(path)%2)...)
	alias = append(alias, 0xff, 0xff, 0, 0)
	return movie{photo: make([]byte, 188), width: 64, height: 64, count: 1, rate: 1, reference: isoBox("alis", long(0), alias)}.bytes()
}
