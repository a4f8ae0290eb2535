// Package container reads growing MP4 and WebM files and describes them well enough to play them without rewriting a byte.
//
// An Indexer is fed the bytes of one file in slices of any size. It finds the tracks (Header) and then, one after the
// other, the fragments: byte ranges that start on a key frame and hold some two seconds of all tracks. Each fragment
// carries a packed table of its samples. From these three things the rest is made by pure functions: HLS playlists over
// byte ranges (MediaPlaylist, RenderMaster), an MP4 head with sample tables (TwinMP4) and a WebM head with Duration and
// Cues (WebMHead), both to be served in front of the untouched bytes.
//
// Everything read is untrusted: sizes are checked before they are used, counts are capped, and an Indexer never keeps
// more than one fragment's tables or one header element in memory. A file that cannot be indexed gets a Reason, never an
// error or a panic. The package does no input or output of its own and knows no ffmpeg.
package container

import (
	"math"
	"slices"
	"strings"
	"time"
)

// Format says what kind of file the bytes are, judged by content and never by name.
type Format string

// The formats told apart.
const (
	FormatMP4   Format = "mp4"   // ISO base media, QuickTime included
	FormatWebM  Format = "webm"  // EBML: WebM and Matroska
	FormatOther Format = "other" // anything else; a job for ffprobe
)

// Layout says how a file can be played from byte ranges.
type Layout string

// The layouts told apart.
const (
	// LayoutFragmented is a header followed by self-contained fragments (moof and mdat, or clusters).
	LayoutFragmented Layout = "fragmented"
	// LayoutPlain is an MP4 with one index for all samples, or anything that cannot be cut into fragments.
	LayoutPlain Layout = "plain"
)

// The kinds of track that are indexed; others are left out.
const (
	KindVideo = "video"
	KindAudio = "audio"
)

const (
	maxElement = 64 << 20 // bytes of one header element (moov, moof, Tracks) kept in memory
	maxTracks  = 64       // tracks of one file
	maxSamples = 1 << 17  // samples of one fragment: an hour of video without a key frame, or three minutes of short audio frames
	maxConfig  = 64 << 10 // bytes of one track's codec configuration

	// minFragment is the shortest fragment that is closed at the next key frame; recorders aim at 2 s and miss by a frame or two.
	minFragment = 1500 * time.Millisecond
	// minAudioFragment is the same where there is no video: it can be cut anywhere.
	minAudioFragment = 1900 * time.Millisecond
	// videoSilence is how long audio goes on alone before its fragments no longer wait for the next key frame. Encoders
	// that look ahead let audio run some seconds in front of video without meaning anything by it.
	videoSilence = 10 * time.Second
)

// Track describes one video or audio track.
type Track struct {
	ID         uint64 `json:"id"`
	Kind       string `json:"kind"`            // KindVideo or KindAudio
	Codec      string `json:"codec"`           // RFC 6381, empty when unknown to us
	Timescale  uint32 `json:"timescale"`       // ticks a second of the sample tables
	Width      int    `json:"width,omitempty"` // pixels
	Height     int    `json:"height,omitempty"`
	Channels   int    `json:"channels,omitempty"`
	SampleRate int    `json:"sample_rate,omitempty"`

	// Entry is the sample entry box of an MP4 track, or the CodecPrivate of a WebM track.
	Entry []byte `json:"entry,omitempty"`
	// Display is the transformation matrix and the display size of an MP4 track, as in its tkhd.
	Display []byte `json:"display,omitempty"`
	// MediaTime is the tick of the media that is presented at EmptyEdit (MP4 edit list), in ticks.
	MediaTime int64 `json:"media_time,omitempty"`
	// EmptyEdit is how long the presentation waits before this track starts, in ticks.
	EmptyEdit int64 `json:"empty_edit,omitempty"`
	// Default values of trex, or the default frame duration of WebM in ticks.
	DefaultDuration uint32 `json:"default_duration,omitempty"`
	DefaultSize     uint32 `json:"default_size,omitempty"`
	DefaultFlags    uint32 `json:"default_flags,omitempty"`
	// CodecDelay and SeekPreRoll of an Opus track in WebM, ns.
	CodecDelay  int64 `json:"codec_delay,omitempty"`
	SeekPreRoll int64 `json:"seek_pre_roll,omitempty"`
}

// Header is what the beginning (of a plain MP4: the moov) tells about a file. It is stored as JSON with the video.
type Header struct {
	Format Format `json:"format"`
	Layout Layout `json:"layout"`
	// Length of the init segment: it is bytes [0, Length) of the file. 0 when there is none.
	Length int64   `json:"length"`
	Tracks []Track `json:"tracks"`
	// Duration as the file tells it; 0 for a recording, whose header is written before its end is known.
	Duration time.Duration `json:"duration,omitempty"`
	// TickScale is the TimestampScale of WebM: ns per tick of its clusters.
	TickScale uint64 `json:"tick_scale,omitempty"`
	// Matroska tells a Matroska file from a WebM one.
	Matroska bool `json:"matroska,omitempty"`
}

// Main returns the index of the track that sets the pace of fragments: the first video track, else the first audio
// track, else -1.
func (h *Header) Main() int {
	main := -1
	for i, t := range h.Tracks {
		if t.Kind == KindVideo {
			return i
		}
		if main < 0 {
			main = i
		}
	}
	return main
}

// minFragment is the shortest fragment worth closing.
func (h *Header) minFragment() time.Duration {
	if main := h.Main(); main >= 0 && h.Tracks[main].Kind == KindAudio {
		return minAudioFragment
	}
	return minFragment
}

// WebSafe tells whether the browsers of today play this file as it is, from a plain URL with byte ranges.
func (h *Header) WebSafe() bool {
	if len(h.Tracks) == 0 {
		return false
	}
	for _, t := range h.Tracks {
		if !webSafeCodec(h.Format, t.Codec) {
			return false
		}
	}
	return h.Format == FormatMP4 || h.Format == FormatWebM
}

func webSafeCodec(f Format, codec string) bool {
	name, profile, _ := strings.Cut(codec, ".")
	switch name {
	case "avc1", "avc3":
		return f == FormatMP4 && len(profile) == 6 && isSafeProfile(strings.ToUpper(profile[:2]))
	case "mp4a":
		return f == FormatMP4 && (strings.HasPrefix(profile, "40.") || strings.EqualFold(profile, "6b"))
	case "vp09":
		return strings.HasPrefix(profile, "00.")
	case "av01":
		return strings.HasPrefix(profile, "0.")
	case "opus":
		return true
	case "vp8", "vorbis":
		return f == FormatWebM
	case "flac":
		return f == FormatMP4
	default:
		return false
	}
}

// isSafeProfile tells whether an H.264 profile has pictures of 8 bit 4:2:0: Baseline, Main, Extended, High.
func isSafeProfile(hex string) bool {
	return hex == "42" || hex == "4D" || hex == "58" || hex == "64"
}

// Codecs returns the codec strings of all tracks as the CODECS attribute of a playlist or a MIME type wants them.
func (h *Header) Codecs() string {
	var list []string
	for _, t := range h.Tracks {
		if t.Codec != "" && !slices.Contains(list, t.Codec) {
			list = append(list, t.Codec)
		}
	}
	return strings.Join(list, ",")
}

// Fragment is a byte range of the source that starts on a key frame and can be decoded after the init segment alone.
type Fragment struct {
	Offset int64 // first byte in the source
	Length int64 // bytes
	// Start and Duration are presentation times of the video, or of the audio where a fragment has no video.
	Start    time.Duration
	Duration time.Duration
	Key      bool // starts on a key frame; false only when a source has none for very long
	// Samples is the packed sample table of all tracks, understood by TwinMP4 and WebMHead.
	Samples []byte
}

// ticks converts ticks of a timescale to a duration without overflow.
func ticks(n int64, timescale uint32) time.Duration {
	if timescale == 0 {
		return 0
	}
	scale := int64(timescale)
	whole, rest := n/scale, n%scale
	const limit = int64(1<<63-1) / int64(time.Second)
	if whole > limit-1 || whole < -limit+1 {
		return 0
	}
	return time.Duration(whole)*time.Second + time.Duration(rest*int64(time.Second)/scale)
}

// saneTicks is ticks for an untrusted duration; what is unknown or longer than a year is 0.
func saneTicks(n uint64, timescale uint32) time.Duration {
	const year = 366 * 24 * time.Hour
	if n == math.MaxUint32 || n > math.MaxInt64 {
		return 0
	}
	if d := ticks(int64(n), timescale); d > 0 && d < year {
		return d
	}
	return 0
}
