package hostile_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg/sandbox"
)

// reaching are files that name other files and addresses, called what a video is
// called.
func reaching(tr *trap) map[string][]byte {
	hls := func(lines string) []byte {
		return []byte("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:0\n" + lines + "\n#EXT-X-ENDLIST\n")
	}
	dash := func(url string) []byte {
		return []byte(`<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4">` +
			`<Representation id="1" bandwidth="1"><BaseURL>` + url + `</BaseURL></Representation></AdaptationSet></Period></MPD>`)
	}
	web := "http://" + tr.address + "/"
	return map[string][]byte{
		"hls-file.mp4":      hls("#EXTINF:1,\n" + tr.video),
		"hls-url.mp4":       hls("#EXTINF:1,\n" + web + "a.ts"),
		"hls-file-url.mp4":  hls("#EXTINF:1,\nfile://" + tr.video),
		"hls-concat.mp4":    hls("#EXTINF:1,\nconcat:" + tr.video + "|" + tr.text),
		"hls-subfile.mp4":   hls("#EXTINF:1,\nsubfile,,start,0,end,100,,:" + tr.text),
		"hls-data.mp4":      hls("#EXTINF:1,\ndata:video/mp2t;base64,R0AREABC8CUAAcEAAP8B/wAB"),
		"hls-key.mp4":       hls("#EXT-X-KEY:METHOD=AES-128,URI=\"" + tr.text + "\"\n#EXTINF:1,\n" + web + "b.ts"),
		"hls-map.mp4":       hls("#EXT-X-MAP:URI=\"" + tr.video + "\"\n#EXTINF:1,\n" + tr.video),
		"hls-master.webm":   []byte("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n" + web + "c.m3u8\n"),
		"concat-file.mkv":   []byte("ffconcat version 1.0\nfile '" + tr.video + "'\n"),
		"concat-url.mkv":    []byte("ffconcat version 1.0\nfile '" + web + "d.mp4'\n"),
		"concat-udp.mkv":    []byte("ffconcat version 1.0\nfile 'udp://" + tr.packets + "'\n"),
		"dash-file.mp4":     dash("file://" + tr.video),
		"dash-url.mp4":      dash(web + "e.mp4"),
		"svg-entity.mp4":    []byte(`<?xml version="1.0"?><!DOCTYPE s [<!ENTITY x SYSTEM "file://` + tr.text + `">]><svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><text y="9">&x;</text></svg>`),
		"svg-image.mp4":     []byte(`<svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink" width="64" height="64"><image x:href="file://` + tr.video + `"/><image x:href="` + web + `f.png"/></svg>`),
		"sdp.mp4":           []byte("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 5004 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"),
		"metadata.mp4":      []byte(";FFMETADATA1\ntitle=x\n"),
		"script.mp4":        []byte(`LoadPlugin("` + tr.text + `")` + "\nFFVideoSource(\"" + tr.video + `")` + "\n"),
		"graph.mp4":         []byte("movie=" + tr.video + "\n"),
		"asx.mp4":           []byte(`<asx version="3.0"><entry><ref href="` + web + `g.asf"/></entry></asx>`),
		"sequence-%03d.mp4": []byte("\x89PNG\r\n\x1a\n"),
		"sequence-*.mp4":    []byte("\xff\xd8\xff\xe0"),

		"avi-subtitles.avi": aviWithSubtitles(hls("#EXTINF:1,\n" + tr.video)),
		"avi-url.avi":       aviWithSubtitles(hls("#EXTINF:1,\n" + web + "h.ts")),
		"mov-alias.mov":     movWithAlias(tr.video),
		"head-then-hls.mp4": append([]byte("\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"), hls("#EXTINF:1,\n"+tr.video)...),
		"id3-link.mp3":      mp3WithLink(web + "cover.jpg"),
	}
}

// chunk is a RIFF chunk.
func chunk(id string, parts ...[]byte) []byte {
	data := bytes.Join(parts, nil)
	out := binary.LittleEndian.AppendUint32([]byte(id), uint32(len(data)))
	out = append(out, data...)
	if len(data)%2 == 1 {
		out = append(out, 0)
	}
	return out
}

func words(values ...uint32) []byte {
	var out []byte
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, v)
	}
	return out
}

// aviWithSubtitles has a stream of subtitles in a "file" of their own (GAB2),
// whose demuxer ffmpeg chooses by looking at it; CVE-2017-9993.
func aviWithSubtitles(playlist []byte) []byte {
	name := []byte("s\x00r\x00t\x00\x00\x00")
	gab := bytes.Join([][]byte{
		[]byte("GAB2\x00"), {2, 0}, words(uint32(len(name))), name, {4, 0}, words(uint32(len(playlist))), playlist,
	}, nil)
	video := chunk("LIST", []byte("strl"),
		chunk("strh", []byte("vidsMJPG"), words(0, 0, 0, 1, 25, 0, 2, 0, 0, 0), make([]byte, 8)),
		chunk("strf", words(40, 16, 16, 24<<16|1), []byte("MJPG"), words(0, 0, 0, 0, 0)))
	text := chunk("LIST", []byte("strl"),
		chunk("strh", []byte("txts\x00\x00\x00\x00"), words(0, 0, 0, 1, 25, 0, 1, 0, 0, 0), make([]byte, 8)),
		chunk("strf", words(0)))
	header := chunk("LIST", []byte("hdrl"), chunk("avih", words(40000, 0, 0, 0x10, 2, 0, 2, 0, 16, 16, 0, 0, 0, 0)), video, text)
	movi := chunk("LIST", []byte("movi"), chunk("01tx", gab), chunk("00dc", jpegFrame(16, 16)), chunk("00dc", jpegFrame(16, 16)))
	return chunk("RIFF", []byte("AVI "), header, movi)
}

// jpegFrame is the beginning of a JPEG that says it has this size.
func jpegFrame(width, height uint16) []byte {
	frame := []byte("\xff\xd8\xff\xc0\x00\x0b\x08")
	frame = binary.BigEndian.AppendUint16(frame, height)
	frame = binary.BigEndian.AppendUint16(frame, width)
	return append(frame, "\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x00\xff\xd9"...)
}

// mp3WithLink has a cover that is an address (ID3v2.3, 4.15: "-->").
func mp3WithLink(url string) []byte {
	picture := append([]byte("\x00-->\x00\x03\x00"), url...)
	frame := append([]byte("APIC"), binary.BigEndian.AppendUint32(nil, uint32(len(picture)))...)
	frame = append(append(frame, 0, 0), picture...)
	size := len(frame)
	out := append([]byte("ID3\x03\x00\x00"), byte(size>>21&0x7f), byte(size>>14&0x7f), byte(size>>7&0x7f), byte(size&0x7f))
	out = append(out, frame...)
	silence, _ := hex.DecodeString("fffb9064")
	for range 40 {
		out = append(append(out, silence...), make([]byte, 413)...)
	}
	return out
}

// TestNothingIsReachedFromAFile sends every file that names another one through
// the jobs' calls, and then past the sniffer, with each demuxer forced on it.
func TestNothingIsReachedFromAFile(t *testing.T) { //nolint:tparallel // the trap is looked at when all files are through
	t.Parallel()
	tr := setTrap(t)
	files := t.TempDir()
	made := reaching(tr)
	require.False(t, tr.touched())
	t.Run("files", func(t *testing.T) {
		for name, content := range made {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(files, name)
				require.NoError(t, os.WriteFile(path, content, 0o600))
				_ = suffer(t, path)
				for _, format := range []ffmpeg.Format{ffmpeg.MOV, ffmpeg.AVI} {
					_, err := runner().Probe(t.Context(), ffmpeg.Input{Path: path, Format: format})
					requireSentence(t, err)
				}
			})
		}
	})
	require.False(t, tr.touched(), "a secret has been opened")
	require.Zero(t, tr.calls.Load(), "an address has been called")
	t.Logf("%d files that name others: nothing opened, nobody called", len(made))
}

// TestTheSandboxAloneHolds gives ffmpeg none of the guards, so that it follows
// whatever a file names: into the trap without the sandbox, nowhere inside.
func TestTheSandboxAloneHolds(t *testing.T) {
	t.Parallel()
	if l := box().Layers; !l.Landlock || !l.Seccomp {
		t.Skip("this machine lacks landlock or seccomp, and the proof says so")
	}
	tr := setTrap(t)
	made := reaching(tr)
	follow := func(t *testing.T, layers sandbox.Layers, name string) {
		t.Helper()
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, made[name], 0o600))
		args := []string{"-v", "fatal", "-nostdin", "-y", "-protocol_whitelist", "file,http,tcp,udp,data,concat,subfile,crypto"}
		if bytes.HasPrefix(made[name], []byte("ffconcat")) {
			args = append(args, "-safe", "0")
		}
		if bytes.HasPrefix(made[name], []byte("#EXTM3U")) {
			args = append(args, "-allowed_extensions", "ALL")
		}
		if name == "mov-alias.mov" {
			args = append(args, "-enable_drefs", "1", "-use_absolute_path", "1")
		}
		program, err := exec.LookPath("ffmpeg")
		require.NoError(t, err)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		cmd, err := (&sandbox.Sandbox{Layers: layers}).Command(t.Context(), sandbox.Job{
			Program: program, Args: append(args, "-i", path, "-t", "1", filepath.Join(dir, "out.mkv")), Dir: dir, Read: []string{path},
		})
		require.NoError(t, err)
		_ = cmd.Run() // it may well complain
		requireNoCanary(t, dir, nil)
	}
	for name, calls := range map[string]bool{"hls-file.mp4": false, "hls-key.mp4": true, "concat-file.mkv": false, "mov-alias.mov": false, "hls-url.mp4": true, "concat-url.mkv": true} {
		before := tr.calls.Load()
		require.False(t, tr.touched())
		follow(t, sandbox.Layers{Landlock: true, Seccomp: true}, name)
		require.False(t, tr.touched(), "%s opened a secret inside the sandbox", name)
		require.Equal(t, before, tr.calls.Load(), "%s called out of the sandbox", name)
		follow(t, sandbox.Layers{}, name)
		require.True(t, tr.touched() || tr.calls.Load() > before, "%s is harmless even without the sandbox, and proves nothing", name)
		require.Equal(t, calls, tr.calls.Load() > before, name)
	}
}
