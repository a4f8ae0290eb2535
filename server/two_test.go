package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/objects/objectstest"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// events passes on what a stream of events says.
func events(t *testing.T, p *person, path string) <-chan string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.rig.URL+path, nil)
	require.NoError(t, err)
	req.AddCookie(&http.Cookie{Name: "meanwhile_session", Value: p.session})
	res, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode)
	said := make(chan string, 1000)
	go func() {
		defer close(said)
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if text := lines.Text(); strings.HasPrefix(text, "data: ") || strings.HasPrefix(text, "event: ") {
				said <- text
			}
		}
	}()
	return said
}

// awaits waits for a stream to say something.
func awaits(t *testing.T, said <-chan string, words string) {
	t.Helper()
	limit := time.After(hangs)
	for {
		select {
		case text, ok := <-said:
			require.True(t, ok, "the stream ends without "+words)
			if strings.Contains(text, words) {
				return
			}
		case <-limit:
			require.FailNow(t, "it is not said: "+words)
		}
	}
}

// TestWordsReachViewersOnAnotherServer: comments, answers, what is taken back, the
// title, and that a video is gone.
func TestWordsReachViewersOnAnotherServer(t *testing.T) {
	t.Parallel()
	here, there := newPair(t)
	v := here.upload(t, recording(t, "tiny.mp4"), 1<<20, true)
	path := "/api/videos/" + v.ID
	said, library := events(t, there.member, path+"/events"), events(t, there.member, "/api/events")
	awaits(t, said, secret)
	res := here.owner.ask(t, http.MethodPost, path+"/comments", `{"at_ms":1,"body":"the first word"}`)
	require.Equal(t, http.StatusCreated, res.StatusCode)
	var made struct{ ID string }
	require.NoError(t, json.Unmarshal([]byte(text(t, res)), &made))
	awaits(t, said, "the first word")
	_, list := there.member.get(t, path+"/comments")
	require.Contains(t, list, "the first word")
	require.Equal(t, http.StatusOK, here.owner.ask(t, http.MethodPatch, "/api/comments/"+made.ID, `{"body":"another word"}`).StatusCode)
	awaits(t, said, "another word")
	_, list = there.member.get(t, path+"/comments")
	require.Contains(t, list, "another word")
	require.NotContains(t, list, "the first word")
	require.Equal(t, http.StatusOK, here.owner.ask(t, http.MethodPatch, path, `{"title":"Renamed"}`).StatusCode)
	awaits(t, said, "Renamed")
	awaits(t, library, "Renamed")
	require.Equal(t, http.StatusNoContent, here.owner.ask(t, http.MethodDelete, path, "").StatusCode)
	awaits(t, said, "video_removed")
	awaits(t, library, "video_removed")
}

// TestARecordingPassesFromServerToServer: every piece goes to the other one; each
// shows at once what there is, from playlists and bytes that it had kept.
func TestARecordingPassesFromServerToServer(t *testing.T) {
	t.Parallel()
	here, there := newPair(t)
	raw := recording(t, "tiny.mp4")
	v := here.start(t, catalog.InTeam)
	servers := []*rig{here, there}
	segments := make([]int, 2)
	piece := len(raw)/7 + 1
	for n, at := 0, 0; at < len(raw); n, at = n+1, at+piece {
		servers[n%2].send(t, v, at, raw[at:min(at+piece, len(raw))])
		for i, r := range servers {
			_, list := r.nobody.get(t, here.media(v, "source.m3u8"))
			now := strings.Count(list, "#EXTINF")
			require.GreaterOrEqual(t, now, segments[i])
			segments[i] = now
			_, source := r.nobody.get(t, here.media(v, "source"))
			require.Equal(t, raw[:min(at+piece, len(raw))], []byte(source), "server %d after piece %d", i, n)
		}
		require.Equal(t, segments[0], segments[1])
	}
	require.Equal(t, http.StatusOK, there.owner.ask(t, http.MethodPost, "/api/videos/"+v.ID+"/finish", "").StatusCode)
	_, list := here.nobody.get(t, here.media(v, "source.m3u8"))
	require.Contains(t, list, "#EXT-X-ENDLIST")
	alone := here.upload(t, raw, len(raw), true)
	want, err := here.catalog.Fragments(t.Context(), alone.ID, 0, -1)
	require.NoError(t, err)
	got, err := here.catalog.Fragments(t.Context(), v.ID, 0, -1)
	require.NoError(t, err)
	require.Len(t, got, len(want), "the index is that of a recording in one go")
	for i := range got {
		require.Equal(t, [4]int64{want[i].Start, want[i].Length, want[i].StartUS, want[i].DurationUS}, [4]int64{got[i].Start, got[i].Length, got[i].StartUS, got[i].DurationUS})
	}
}

// TestTwoServersWriteOneUpload is F8: of four requests at one offset, two on each
// server, one wins and the others are told so; bytes are never mixed.
func TestTwoServersWriteOneUpload(t *testing.T) {
	t.Parallel()
	t.Run("folder", func(t *testing.T) {
		t.Parallel()
		here, there := newPair(t)
		fightOver(t, here, there)
	})
	t.Run("s3", func(t *testing.T) {
		t.Parallel()
		bucket := objectstest.S3(t)
		store := objectstest.Open(t, bucket.URL, bucket.Options)
		here, there := newPair(t, func(o *Options) { o.Objects = store })
		fightOver(t, here, there)
	})
}

func fightOver(t *testing.T, here, there *rig) {
	t.Helper()
	v := here.start(t, catalog.InTeam)
	const rounds, least = 100, 20_000
	var kept bytes.Buffer
	for round := range rounds {
		statuses, pieces := make([]int, 4), make([][]byte, 4)
		var all sync.WaitGroup
		for i := range statuses {
			pieces[i] = bytes.Repeat([]byte(fmt.Sprintf("%03d%d", round, i)), (least+i*1000)/4)
			all.Go(func() {
				p := here.owner
				if i%2 == 1 {
					p = there.owner
				}
				res := p.ask(t, http.MethodPatch, "/api/uploads/"+v.UploadID, string(pieces[i]),
					"Content-Type", "application/offset+octet-stream", "Upload-Offset", strconv.Itoa(kept.Len()), "Tus-Resumable", "1.0.0")
				statuses[i] = res.StatusCode
			})
		}
		all.Wait()
		size := int(here.read(t, v.ID).Size) - kept.Len()
		if size == 0 { // all of them have made way before their first byte
			continue
		}
		_, source := there.nobody.get(t, here.media(v, "source"), "Range", fmt.Sprintf("bytes=%d-%d", kept.Len(), kept.Len()+size-1))
		winner := slices.IndexFunc(pieces, func(p []byte) bool { return bytes.HasPrefix(p, []byte(source)) })
		require.NotEqual(t, -1, winner, "these bytes are nobody's, or several senders'")
		for i, status := range statuses {
			if status == http.StatusNoContent {
				require.Equal(t, winner, i, "%v", statuses)
				require.Len(t, pieces[i], size)
				continue
			}
			// On one server, tusd asks the request before to make way, also for one that
			// comes too late; what it had brought is kept.
			require.Contains(t, []int{http.StatusConflict, http.StatusLocked, http.StatusBadRequest}, status)
		}
		kept.WriteString(source)
	}
	res := there.nobody.ask(t, http.MethodGet, here.media(v, "source"), "")
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, sha256.Sum256(kept.Bytes()), sha256.Sum256(raw))
}

// TestADownloadByTwoServersIsOne: a program that saves a file range by range asks
// both, and the audit log says so once.
func TestADownloadByTwoServersIsOne(t *testing.T) {
	t.Parallel()
	here, there := newPair(t)
	v := here.upload(t, recording(t, "tiny.mp4"), 1<<20, true)
	noted := func() (n int) {
		err := here.db.Reader.NewRaw("SELECT count(*) FROM audit WHERE action = ?", record.VideoDownloaded).Scan(t.Context(), &n)
		require.NoError(t, err)
		return n
	}
	for i, r := range []*rig{here, there, here, there} {
		res := r.nobody.ask(t, http.MethodGet, here.media(v, "source"), "", "Range", fmt.Sprintf("bytes=%d-%d", i*10, i*10+9))
		require.Equal(t, http.StatusPartialContent, res.StatusCode)
	}
	here.server.downloads.Flush(t.Context())
	there.server.downloads.Flush(t.Context())
	require.Equal(t, 1, noted())
}
