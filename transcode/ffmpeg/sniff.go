package ffmpeg

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
)

// Format is a container that Meanwhile reads, by the name of the one demuxer
// that is forced on it.
type Format string

// The containers that browsers, phones, cameras and screen recorders make.
// Playlists, manifests, scripts and image sequences are not among them, because
// such a file can name other files.
const (
	MOV      Format = "mov" // MP4, MOV, M4A, 3GP
	Matroska Format = "matroska"
	AVI      Format = "avi"
	WAV      Format = "wav"
	Ogg      Format = "ogg"
	FLAC     Format = "flac"
	MP3      Format = "mp3"
	AAC      Format = "aac"
	MPEGTS   Format = "mpegts"
	FLV      Format = "flv"
	CAF      Format = "caf"
	AIFF     Format = "aiff"
)

// SniffLength is how many first bytes Sniff wants to see.
const SniffLength = 1024

// Sniff tells the container from a file's first bytes, never from its name. It
// returns a Problem for anything that is not one of ours.
func Sniff(head []byte) (Format, error) {
	if len(head) == 0 {
		return "", &Problem{Sentence: "This file is empty."}
	}
	for _, s := range signatures() {
		if s.matches(head) {
			return s.format, nil
		}
	}
	return "", &Problem{Sentence: notAMedium}
}

// SniffFile is Sniff over the first bytes of the file at path.
func SniffFile(path string) (Format, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, SniffLength)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", err
	}
	return Sniff(head[:n])
}

type signature struct {
	format  Format
	matches func(head []byte) bool
}

func signatures() []signature {
	return []signature{
		{MOV, isMOV},
		{Matroska, at(0, "\x1a\x45\xdf\xa3")},
		{AVI, both(at(0, "RIFF"), at(8, "AVI "))},
		{WAV, both(at(0, "RIFF"), at(8, "WAVE"))},
		{Ogg, at(0, "OggS")},
		{FLAC, at(0, "fLaC")},
		{FLV, at(0, "FLV\x01")},
		{CAF, at(0, "caff")},
		{AIFF, both(at(0, "FORM"), at(8, "AIF"))},
		{MPEGTS, both(at(0, "\x47"), both(at(188, "\x47"), at(376, "\x47")))},
		{AAC, func(b []byte) bool { return len(b) > 1 && b[0] == 0xff && b[1]&0xf6 == 0xf0 }},
		{MP3, at(0, "ID3")},
		{MP3, func(b []byte) bool { return len(b) > 1 && b[0] == 0xff && b[1]&0xe6 == 0xe2 }},
	}
}

func at(offset int, magic string) func([]byte) bool {
	return func(b []byte) bool { return len(b) > offset && bytes.HasPrefix(b[offset:], []byte(magic)) }
}

func both(a, b func([]byte) bool) func([]byte) bool {
	return func(head []byte) bool { return a(head) && b(head) }
}

// isMOV accepts the boxes that an MP4 or QuickTime file can start with, but not
// the pictures (HEIC, AVIF) that share the container.
func isMOV(b []byte) bool {
	if len(b) < 12 {
		return false
	}
	switch kind := string(b[4:8]); kind {
	case "ftyp", "styp":
		return !slices.Contains([]string{"heic", "heix", "mif1", "msf1", "avif", "avis", "jp2 ", "crx "}, string(b[8:12]))
	default:
		return slices.Contains([]string{"moov", "moof", "mdat", "wide", "free", "skip", "pnot"}, kind)
	}
}
