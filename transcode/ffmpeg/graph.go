package ffmpeg

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	graph "github.com/u2takey/ffmpeg-go"
)

// Options are ffmpeg options by name, without the dash. An empty value makes a
// bare flag.
type Options map[string]string

// Input is a file or a pipe that ffmpeg reads.
type Input struct {
	// Path of a file; empty reads the Command's Stdin.
	Path string
	// Format is forced; see Sniff.
	Format Format
	// From and To cut the input, in its own time; To 0 means the end.
	From, To time.Duration
	// Options for this input, such as skip_frame.
	Options Options
}

// Graph is an ffmpeg command line in the making. It compiles with
// u2takey/ffmpeg-go and panics on misuse as that does; Runner.Run turns this
// into an error. No text from users may reach it.
type Graph struct {
	limits  Limits
	streams []*graph.Stream
	// inputs and outputs are the files it names.
	inputs, outputs []string
}

// Stream is an edge of the graph: an input's stream or a filter's output.
type Stream struct{ s *graph.Stream }

// Source is an opened input.
type Source struct{ s *graph.Stream }

// Input opens an input behind the guards of SAFETY: forced demuxer, allowed
// protocols, formats and codecs, bounded streams, pixels and probing.
func (g *Graph) Input(in Input) Source {
	args := graph.KwArgs{}
	for name, value := range guards(in.Format) {
		args[name] = value
	}
	for name, value := range in.Options {
		args[name] = value
	}
	if in.From > 0 {
		args["ss"] = seconds(in.From)
	}
	switch {
	case in.To > 0:
		args["to"] = seconds(in.To)
	case g.limits.Duration > 0:
		args["t"] = seconds(g.limits.Duration)
	}
	args["threads"] = strconv.Itoa(g.limits.Threads)
	name := "pipe:0"
	if in.Path != "" {
		name = "file:" + in.Path
		g.inputs = append(g.inputs, in.Path)
	}
	return Source{graph.Input(name, args)}
}

// Video is the first video stream that is no cover picture.
func (s Source) Video() Stream { return Stream{s.s.Get("V:0")} }

// Audio is the first audio stream.
func (s Source) Audio() Stream { return Stream{s.s.Get("a:0")} }

// Filter puts a filter behind the stream. Arguments are "value" or "key=value"
// and must not contain a colon.
func (s Stream) Filter(name string, args ...string) Stream {
	return Stream{s.s.Filter(name, graph.Args(args))}
}

// Split makes n streams of one, of video.
func (s Stream) Split(n int) []Stream {
	if n == 1 {
		return []Stream{s}
	}
	node := s.s.Split()
	streams := make([]Stream, n)
	for i := range streams {
		streams[i] = Stream{node.Get(strconv.Itoa(i))}
	}
	return streams
}

// Output writes streams to the file at path, or to the Command's Stdout when
// path is empty. Metadata, chapters and subtitles of the source never pass.
func (g *Graph) Output(path string, options Options, streams ...Stream) {
	args := graph.KwArgs{
		"sn": "", "dn": "", "map_metadata": "-1", "map_chapters": "-1",
		"threads": strconv.Itoa(g.limits.Threads),
	}
	if g.limits.Output > 0 {
		args["fs"] = strconv.FormatInt(g.limits.Output, 10)
	}
	for name, value := range options {
		args[name] = value
	}
	name := "pipe:1"
	if path != "" {
		name = "file:" + path
		g.outputs = append(g.outputs, path)
	}
	from := make([]*graph.Stream, len(streams))
	for i, s := range streams {
		from[i] = s.s
	}
	g.streams = append(g.streams, graph.Output(from, name, args))
}

// compile turns the graph that build draws into arguments.
func compile(limits Limits, build func(*Graph)) (args []string, g *Graph, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("ffmpeg: graph: %v", r)
		}
	}()
	g = &Graph{limits: limits}
	build(g)
	return graph.MergeOutputs(g.streams...).GetArgs(), g, nil
}

// guards are the input options that keep a hostile file from reaching anything
// but the demuxer and the decoders that we chose.
func guards(format Format) Options {
	return Options{
		"f":                  string(format),
		"protocol_whitelist": "file,pipe",
		"format_whitelist":   string(format),
		"codec_whitelist":    strings.Join(decoders(), ","),
		"max_streams":        strconv.Itoa(maxStreams),
		"max_pixels":         strconv.Itoa(maxPixels),
		"probesize":          "16M",
		"analyzeduration":    "20M",
	}
}

// decoders are what real recorders make. A bug in a decoder that is not here
// cannot be reached.
func decoders() []string {
	return []string{
		"h264", "hevc", "vp8", "vp9", "libdav1d", "av1", "mpeg4", "h263", "mjpeg", "prores",
		"aac", "opus", "vorbis", "mp3", "mp3float", "flac", "alac", "ac3", "eac3", "amrnb",
		"pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be",
		"pcm_f32le", "pcm_f32be", "pcm_u8", "pcm_s8", "pcm_alaw", "pcm_mulaw",
	}
}

// seconds writes a duration the way ffmpeg reads it, to the microsecond.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', 6, 64)
}

// With returns a copy of the options with more on top.
func (o Options) With(more Options) Options {
	merged := maps.Clone(o)
	maps.Copy(merged, more)
	return merged
}
