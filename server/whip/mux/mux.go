// Package mux writes frames as a growing file that plays while it grows: MP4
// fragments, or WebM clusters for VP8, which browsers do not play from MP4.
//
// The header is written once, before anything is known of what will follow, and
// every fragment stands by itself: nothing written is ever changed. Parameter
// sets travel inside the frames (avc3), so that a picture may change its size in
// mid-stream and the header stays true.
package mux

// Codec is what a track is encoded with.
type Codec string

// The codecs that are written.
const (
	H264 Codec = "H264"
	VP8  Codec = "VP8"
	VP9  Codec = "VP9"
	AV1  Codec = "AV1"
	Opus Codec = "Opus"
)

// Ticks a second of the times in samples, which are those of RTP.
const (
	VideoClock = 90_000
	AudioClock = 48_000
)

// Track describes a track in the header.
type Track struct {
	Codec         Codec
	Width, Height int
	// Config is the body of the codec's configuration box (avcC, vpcC, av1C).
	Config []byte
	// Channels of an audio track.
	Channels int
}

// Sample is one frame. Times are ticks of its track's clock.
type Sample struct {
	DTS      int64
	Duration int64
	// Offset is presentation minus decode time.
	Offset int64
	Key    bool
	Data   []byte
}

// Fragment is what is written at once: some two seconds of all tracks.
type Fragment struct {
	Video, Audio []Sample
}

// Empty says that there is nothing to write.
func (f Fragment) Empty() bool { return len(f.Video) == 0 && len(f.Audio) == 0 }

// Writer makes the bytes of one file.
type Writer interface {
	// Header is the beginning of the file.
	Header() []byte
	// Fragment is what comes next.
	Fragment(f Fragment) []byte
	// MIME is the type of the file.
	MIME() string
}

var (
	_ Writer = (*mp4)(nil)
	_ Writer = (*webm)(nil)
)

// New makes a writer for one video track, one audio track, or both; nil stands
// for none.
func New(video, audio *Track) Writer {
	if video != nil && video.Codec == VP8 {
		return &webm{video: video, audio: audio}
	}
	return &mp4{video: video, audio: audio}
}
