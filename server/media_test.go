package server

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

func TestRangesOfTheSource(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	raw := recording(t, "avc3-opus.mp4")
	v := r.upload(t, raw, 7001, true)
	path, size := r.media(v, "source"), len(raw)
	for _, c := range []struct {
		header   string
		from, to int
	}{
		{"bytes=0-0", 0, 1},
		{"bytes=7000-7001", 7000, 7002},
		{"bytes=6000-30000", 6000, 30001},
		{"bytes=0-", 0, size},
		{"bytes=-10", size - 10, size},
		{fmt.Sprintf("bytes=%d-", size-1), size - 1, size},
		{"bytes=14002-14001000", 14002, size},
		{"bytes=-99999999", 0, size},
	} {
		res, body := r.nobody.get(t, path, "Range", c.header)
		require.Equal(t, http.StatusPartialContent, res.StatusCode, c.header)
		require.Equal(t, fmt.Sprintf("bytes %d-%d/%d", c.from, c.to-1, size), res.Header.Get("Content-Range"))
		require.True(t, bytes.Equal(raw[c.from:c.to], []byte(body)), c.header)
	}
	for _, header := range []string{"bytes=0-1,5-6", "bytes=0-0," + strings.Repeat("1-1,", 10_000) + "2-2", fmt.Sprintf("bytes=%d-", size), "bytes=99999999999-", "bytes=5-2", "bytes=--1"} {
		res, _ := r.nobody.get(t, path, "Range", header)
		require.Equal(t, http.StatusRequestedRangeNotSatisfiable, res.StatusCode, "%.40s", header)
	}
	res, body := r.nobody.get(t, path)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, raw, []byte(body))
	require.Equal(t, "video/mp4", res.Header.Get("Content-Type"))
	require.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"))
	require.Contains(t, res.Header.Get("Content-Security-Policy"), "sandbox")
	require.Contains(t, res.Header.Get("Cache-Control"), "private")
	etag := res.Header.Get("ETag")
	res, body = r.nobody.get(t, path, "Range", "bytes=0-3", "If-Range", etag)
	require.Equal(t, http.StatusPartialContent, res.StatusCode)
	require.Len(t, body, 4)
	res, body = r.nobody.get(t, path, "Range", "bytes=0-3", "If-Range", `"another"`)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Len(t, body, size)
	res, _ = r.nobody.get(t, path, "If-None-Match", etag)
	require.Equal(t, http.StatusNotModified, res.StatusCode)
	head := r.nobody.ask(t, http.MethodHead, path, "")
	require.Equal(t, http.StatusOK, head.StatusCode)
	require.EqualValues(t, size, head.ContentLength)
	require.Empty(t, text(t, head))
}

func TestTheSourceGrowsWhileItRuns(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	raw := recording(t, "avc3-opus.mp4")
	v := r.start(t, catalog.InTeam)
	path := r.media(v, "source")
	r.send(t, v, 0, raw[:10])
	_, body := r.nobody.get(t, path, "Range", "bytes=0-3")
	require.Equal(t, string(raw[:4]), body)
	for at := 10; at < len(raw); at += 20_000 {
		end := min(at+20_000, len(raw))
		r.send(t, v, at, raw[at:end])
		res, body := r.nobody.get(t, path, "Range", fmt.Sprintf("bytes=%d-%d", at-5, end-1))
		require.Equal(t, http.StatusPartialContent, res.StatusCode)
		require.True(t, bytes.Equal(raw[at-5:end], []byte(body)), "what a playlist names is there at once")
	}
	require.NoError(t, r.server.Ingest.Finish(t.Context(), v.UploadID))
	res, body := r.nobody.get(t, path)
	require.True(t, bytes.Equal(raw, []byte(body)), "%d of %d bytes", len(body), len(raw))
	require.Equal(t, "video/mp4", res.Header.Get("Content-Type"), "what was not known at first is known now")
	for _, header := range []string{"bytes=0-", "bytes=-100000000"} {
		_, body = r.nobody.get(t, path, "Range", header)
		require.Len(t, body, len(raw), header)
	}
}

// TestWhatWasCachedEarlyIsNotTheWhole asks as a player of a live recording does,
// and then as somebody who saves the original.
func TestWhatWasCachedEarlyIsNotTheWhole(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	raw := recording(t, "vp9-opus.webm")
	v := r.start(t, catalog.InTeam)
	r.send(t, v, 0, raw[:50_000])
	_, body := r.nobody.get(t, r.media(v, "source"))
	require.Len(t, body, 50_000)
	r.send(t, v, 50_000, raw[50_000:])
	require.NoError(t, r.server.Ingest.Finish(t.Context(), v.UploadID))
	for _, header := range []string{"", "bytes=0-", "bytes=-60000"} {
		_, body = r.nobody.get(t, r.media(v, "source"), "Range", header)
		require.True(t, strings.HasSuffix(string(raw), body) && len(body) >= 60_000, "%q: %d bytes", header, len(body))
	}
}

// requireSame compares bytes without printing them all.
func requireSame(t *testing.T, want []byte, got string) {
	t.Helper()
	require.True(t, bytes.Equal(want, []byte(got)), "%d bytes are not the %d expected", len(got), len(want))
}

var byteRange = regexp.MustCompile(`BYTERANGE[:=]"?(\d+)@(\d+)`)

// playlist reads a playlist, checks that every range lies inside its object,
// and returns the sum of its times.
func (r *rig) playlist(t *testing.T, path string, sizes func(uri string) int64) (list string, sum float64) {
	t.Helper()
	res, list := r.nobody.get(t, path)
	require.Equal(t, http.StatusOK, res.StatusCode, list)
	require.Equal(t, "application/vnd.apple.mpegurl", res.Header.Get("Content-Type"))
	require.True(t, strings.HasPrefix(list, "#EXTM3U\n#EXT-X-VERSION:"), list)
	var length, offset int64
	for line := range strings.Lines(list) {
		line = strings.TrimSpace(line)
		if m := byteRange.FindStringSubmatch(line); m != nil {
			length, _ = strconv.ParseInt(m[1], 10, 64)
			offset, _ = strconv.ParseInt(m[2], 10, 64)
		}
		if after, ok := strings.CutPrefix(line, "#EXTINF:"); ok {
			seconds, err := strconv.ParseFloat(strings.TrimSuffix(after, ","), 64)
			require.NoError(t, err)
			require.Positive(t, seconds)
			sum += seconds
		}
		if line != "" && line[0] != '#' {
			require.Positive(t, length)
			require.LessOrEqual(t, offset+length, sizes(line), line)
			length = 0
		}
	}
	return list, sum
}

func TestPlaylistsOfARunningRecording(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	raw := recording(t, "avc3-opus.mp4")
	v := r.start(t, catalog.InTeam)
	res, _ := r.nobody.get(t, r.media(v, "source.m3u8"))
	require.Equal(t, http.StatusNotFound, res.StatusCode)
	sent := 0
	last := 0.0
	for sent < len(raw) {
		end := min(sent+30_000, len(raw))
		r.send(t, v, sent, raw[sent:end])
		sent = end
		if r.read(t, v.ID).DurationUS == 0 {
			continue
		}
		list, sum := r.playlist(t, r.media(v, "source.m3u8"), func(string) int64 { return int64(sent) })
		require.NotContains(t, list, "ENDLIST")
		require.GreaterOrEqual(t, sum, last)
		last = sum
	}
	require.NoError(t, r.server.Ingest.Finish(t.Context(), v.UploadID))
	list, sum := r.playlist(t, r.media(v, "source.m3u8"), func(string) int64 { return int64(len(raw)) })
	require.Contains(t, list, "#EXT-X-ENDLIST")
	require.InDelta(t, r.read(t, v.ID).Duration().Seconds(), sum, 0.1)
	_, master := r.nobody.get(t, r.media(v, "master.m3u8"))
	require.Contains(t, master, "source.m3u8")
	require.Contains(t, master, `CODECS="avc3.`)
	for _, name := range []string{"720p.m3u8", "audio.m3u8", ".m3u8", "..m3u8", "poster.jpg", "storyboard.vtt", "nonsense"} {
		res, _ := r.nobody.get(t, r.media(v, name))
		require.Equal(t, http.StatusNotFound, res.StatusCode, name)
	}
}

// seconds asks ffprobe for the length of a file.
func seconds(t *testing.T, body string) float64 {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(name, []byte(body), 0o600))
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", name).CombinedOutput()
	require.NoError(t, err, string(out))
	s, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	require.NoError(t, err, string(out))
	return s
}

func TestOneFileForEveryKindOfRecording(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, name := range []string{"avc3-opus.mp4", "vp9-opus.webm", "vp8-opus.webm", "opus.mp4", "opus.webm", "tiny-plain.mp4"} {
		raw := recording(t, name)
		v := r.upload(t, raw, 9999, false)
		res, _ := r.nobody.get(t, r.media(v, "progressive"))
		require.Equal(t, http.StatusNotFound, res.StatusCode, "%s still runs", name)
		require.NoError(t, r.server.Ingest.Finish(t.Context(), v.UploadID))
		v = r.read(t, v.ID)
		res, body := r.nobody.get(t, r.media(v, "progressive"))
		require.Equal(t, http.StatusOK, res.StatusCode, name)
		require.True(t, strings.HasSuffix(res.Header.Get("Content-Type"), v.Format), res.Header.Get("Content-Type"))
		slack := 0.1
		if name == "tiny-plain.mp4" {
			slack = 0.15 // its header tells 128 ms more than its packets hold
		}
		require.InDelta(t, v.Duration().Seconds(), seconds(t, body), slack, name)
		if strings.HasSuffix(name, "c3-opus.mp4") {
			require.True(t, strings.HasSuffix(body, string(raw)), "the recording's own bytes")
		}
		half := len(body) / 2
		_, part := r.nobody.get(t, r.media(v, "progressive"), "Range", fmt.Sprintf("bytes=%d-", half))
		requireSame(t, []byte(body[half:]), part)
		res, saved := r.nobody.get(t, r.media(v, "download"))
		requireSame(t, []byte(body), saved)
		kind, parameters, err := mime.ParseMediaType(res.Header.Get("Content-Disposition"))
		require.NoError(t, err)
		require.Equal(t, "attachment", kind)
		require.Equal(t, secret+"."+v.Format, parameters["filename"])
	}
}

func TestFileNamesAreSafe(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.upload(t, recording(t, "tiny.mp4"), 1<<20, true)
	for title, want := range map[string]string{
		"../../etc/passwd": "-..-etc-passwd.mp4", `a"b;c\d`: "a-b;c-d.mp4", "line\r\nSet-Cookie: x": "line--Set-Cookie- x.mp4", "…✓ ビ": "…✓ ビ.mp4",
		"gpj.\u202eexe": "gpj.exe.mp4", ".hidden": "hidden.mp4", " . ": "video.mp4", "???": "---.mp4", strings.Repeat("ä", 300): strings.Repeat("ä", 120) + ".mp4",
	} {
		_, err := r.catalog.ChangeVideo(t.Context(), v.ID, catalog.VideoChange{Title: &title})
		require.NoError(t, err)
		res, _ := r.nobody.get(t, r.media(v, "download"))
		kind, parameters, err := mime.ParseMediaType(res.Header.Get("Content-Disposition"))
		require.NoError(t, err, title)
		require.Equal(t, "attachment", kind)
		require.Equal(t, want, parameters["filename"], "%q", title)
	}
}

func TestWhatCannotBePlayedIsSaved(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	html := []byte("<html><script>alert(1)</script></html>")
	v := r.upload(t, html, 1000, true)
	for _, name := range []string{"source", "download"} {
		res, body := r.nobody.get(t, r.media(v, name))
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.Equal(t, string(html), body)
		require.Equal(t, "application/octet-stream", res.Header.Get("Content-Type"))
		require.Contains(t, res.Header.Get("Content-Disposition"), "attachment")
	}
	res, _ := r.nobody.get(t, r.media(v, "progressive"))
	require.Equal(t, http.StatusNotFound, res.StatusCode)
	empty := r.start(t, catalog.InTeam)
	res, _ = r.nobody.get(t, r.media(empty, "source"))
	require.Contains(t, []int{200, 404}, res.StatusCode)
}

// ladder commits a rung and a sound whose objects hold known bytes.
func (r *rig) ladder(t *testing.T, v *catalog.Video) (key string) {
	t.Helper()
	spans, err := r.catalog.Spans(t.Context(), v.ID)
	require.NoError(t, err)
	track := func(name, kind, key string, span catalog.Span) catalog.Track {
		_, err := r.store.Put(t.Context(), key, strings.NewReader("INIT"+strings.Repeat(name[:1], 96)))
		require.NoError(t, err)
		half := (span.End() - span.Start()) / 2
		return catalog.Track{
			Rendition: catalog.Rendition{Name: name, Kind: kind, Width: 640, Height: 360, Codecs: "avc1.64001e", Bandwidth: 1000, AverageBandwidth: 900},
			ObjectKey: key, InitLength: 4, Size: 100,
			Segments: []catalog.Segment{{Offset: 4, Length: 48, Start: span.Start(), Duration: half}, {Offset: 52, Length: 48, Start: span.Start() + half, Duration: half}},
		}
	}
	for _, span := range spans {
		key = fmt.Sprintf("v/%s/ladder/abc/360p/%d.mp4", v.ID, span.N)
		require.NoError(t, r.catalog.CommitSpan(t.Context(), span, []catalog.Track{track("360p", "video", key, span)}))
	}
	whole := catalog.Span{EndUS: v.DurationUS}
	require.NoError(t, r.catalog.CommitAudio(t.Context(), v.ID, v.Take, track("audio", "audio", fmt.Sprintf("v/%s/ladder/def/audio.mp4", v.ID), whole)))
	return key
}

func TestTheLadderInPlaylists(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.upload(t, recording(t, "vp9-opus.webm"), 1<<20, true)
	res, _ := r.nobody.get(t, r.media(v, "master.m3u8"))
	require.Equal(t, http.StatusNotFound, res.StatusCode, "nothing of a WebM can be streamed before its first span")
	key := r.ladder(t, v)
	require.Equal(t, catalog.Ready, r.read(t, v.ID).State)
	_, master := r.nobody.get(t, r.media(v, "master.m3u8"))
	require.Contains(t, master, "360p.m3u8")
	require.Contains(t, master, `URI="audio.m3u8"`)
	for _, name := range []string{"360p", "audio"} {
		list, sum := r.playlist(t, r.media(v, name+".m3u8"), func(string) int64 { return 100 })
		require.Contains(t, list, "#EXT-X-ENDLIST")
		require.InDelta(t, v.Duration().Seconds(), sum, 0.1)
	}
	object := strings.TrimPrefix(key, "v/"+v.ID+"/")
	res, body := r.nobody.get(t, r.media(v, "o/"+object), "Range", "bytes=2-5")
	require.Equal(t, http.StatusPartialContent, res.StatusCode)
	require.Equal(t, "IT33", body)
	require.Contains(t, res.Header.Get("Cache-Control"), "immutable")
	head := r.nobody.ask(t, http.MethodHead, r.media(v, "o/"+object), "")
	require.EqualValues(t, 100, head.ContentLength)
}

func TestObjectsOfOthersAreOutOfReach(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	victim, mine := r.upload(t, recording(t, "tiny.webm"), 1<<20, true), r.upload(t, recording(t, "tiny.mp4"), 1<<20, true)
	key := strings.TrimPrefix(r.ladder(t, victim), "v/")
	parts, err := r.catalog.Parts(t.Context(), mine.ID)
	require.NoError(t, err)
	for _, path := range []string{
		"o/../../" + key, "o/ladder/../../../" + key, "o/" + url.PathEscape("../../"+key), "o/ladder/" + url.PathEscape("../../../"+key), "o/..%2f..%2f" + key,
		"o//" + key, "o/" + key, "o/v/" + key, "o/ladder", "o/ladder/", "o/ladder/%00", "o/", "o/" + strings.TrimPrefix(parts[0].ObjectKey, "v/"+mine.ID+"/"), "o/still/../src/x",
		"o/ladder%5c..%5c..%5c" + key, "o/ladder/%2e%2e/%2e%2e/%2e%2e/" + key,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.URL, nil)
		require.NoError(t, err)
		req.URL.Opaque = r.media(mine, path)
		res, err := http.DefaultTransport.RoundTrip(req)
		require.NoError(t, err)
		body := text(t, res)
		require.Contains(t, []int{301, 307, 400, 403, 404}, res.StatusCode, "%s: %s", path, body)
		require.NotContains(t, body, "INIT")
	}
}

// TestASegmentCostsNoQuery takes the database away from warm players.
func TestASegmentCostsNoQuery(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	raw := recording(t, "avc3-opus.mp4")
	running, done := r.upload(t, raw, 9000, false), r.upload(t, raw, 9000, true)
	object := r.media(done, "o/"+strings.TrimPrefix(r.ladder(t, done), "v/"+done.ID+"/"))
	for _, v := range []*catalog.Video{running, done} {
		_, body := r.nobody.get(t, r.media(v, "source"), "Range", fmt.Sprintf("bytes=0-%d", len(raw)-1))
		require.Len(t, body, len(raw))
	}
	require.NoError(t, r.db.Close())
	for at := 0; at+5000 < len(raw); at += 5000 {
		for _, v := range []*catalog.Video{running, done} {
			res, body := r.owner.get(t, r.media(v, "source"), "Range", fmt.Sprintf("bytes=%d-%d", at, at+4999))
			require.Equal(t, http.StatusPartialContent, res.StatusCode)
			requireSame(t, raw[at:at+5000], body)
			res, body = r.owner.get(t, r.media(v, "stream.mp4"), "Range", fmt.Sprintf("bytes=%d-%d", at, at+4999))
			require.Equal(t, http.StatusPartialContent, res.StatusCode)
			require.Len(t, body, 5000)
		}
		res, _ := r.owner.get(t, object, "Range", "bytes=4-51")
		require.Equal(t, http.StatusPartialContent, res.StatusCode)
	}
	_, body := r.owner.get(t, r.media(done, "source"))
	require.Len(t, body, len(raw), "what is finished does not change any more")
	res, _ := r.owner.get(t, r.media(done, "source.m3u8"))
	require.GreaterOrEqual(t, res.StatusCode, 500, "the control: a playlist is a view of rows")
}

func TestTheStoryboardNamesItsTiles(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.upload(t, recording(t, "tiny.mp4"), 1<<20, true)
	key := "v/" + v.ID + "/still/abc/storyboard.jpg"
	_, err := r.store.Put(t.Context(), key, strings.NewReader("jpeg"))
	require.NoError(t, err)
	require.NoError(t, r.catalog.CommitStills(t.Context(), v.ID, v.Take, catalog.Stills{
		Storyboard: key, Columns: 2, Tiles: 3, TileWidth: 160, TileHeight: 90, Interval: 2 * time.Second,
	}))
	res, list := r.nobody.get(t, r.media(v, "storyboard.vtt"))
	require.Equal(t, "text/vtt; charset=utf-8", res.Header.Get("Content-Type"))
	require.Contains(t, list, "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n"+r.media(v, "storyboard.jpg")+"#xywh=0,0,160,90\n")
	require.Contains(t, list, "#xywh=0,90,160,90\n")
	res, body := r.nobody.get(t, r.media(v, "storyboard.jpg"))
	require.Equal(t, "image/jpeg", res.Header.Get("Content-Type"))
	require.Equal(t, "jpeg", body)
}
