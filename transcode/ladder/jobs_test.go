package ladder_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
	"github.com/meanwhile-app/meanwhile/transcode/container"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg/sandbox"
	"github.com/meanwhile-app/meanwhile/transcode/ladder"
	"github.com/meanwhile-app/meanwhile/transcode/source"
)

// testTime is how long something may take that happens by itself; only a hang is longer.
const testTime = 8 * time.Minute

// plant is a server without its web side: catalog, store, queue and workers.
type plant struct {
	*catalog.Catalog
	store   *objects.Folder
	scratch string
	owner   string
	folder  string
}

func newPlant(t testing.TB, ffmpegPath string) *plant {
	t.Helper()
	ctx, log := t.Context(), slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	dir := t.TempDir()
	db := databasetest.Any(t)
	var err error
	p := &plant{scratch: filepath.Join(dir, "scratch"), folder: filepath.Join(dir, "objects")}
	p.store, err = objects.OpenFolder(p.folder)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.store.Close()) })

	work := &ladder.Jobs{Log: log, Runner: &ffmpeg.Runner{FFmpeg: ffmpegPath, FFprobe: "ffprobe", Logger: log, Threads: 1, Sandbox: box()}}
	if ffmpegPath != "ffmpeg" {
		work.Runner.Sandbox = &sandbox.Sandbox{} // a script that keeps notes beside itself
	}
	if ffmpegPath == "" {
		work.Runner = nil // which is a bug, and panics
	}
	work.Desk, err = source.NewDesk(p.store, p.scratch, 0)
	require.NoError(t, err)
	handlers := jobs.NewHandlers()
	work.Register(handlers)
	jobs.Handle(handlers, func(context.Context, jobs.Job[jobs.Stills]) error { return nil })
	jobs.Handle(handlers, func(context.Context, jobs.Job[jobs.Housekeeping]) error { return nil })
	queue, err := jobs.Open(jobs.Options{DB: db, Log: log, Slots: 2, Handlers: handlers})
	require.NoError(t, err)
	p.Catalog = catalog.New(record.Options{DB: db, Queue: queue, Log: log})
	work.Catalog = p.Catalog
	require.NoError(t, queue.Start(ctx))
	t.Cleanup(func() { require.NoError(t, queue.Stop(context.WithoutCancel(ctx))) })
	owner, err := p.AddAccount(ctx, people.NewAccount{Name: "Ada", Email: "ada@example.org", PasswordHash: "x"}, people.Owner)
	require.NoError(t, err)
	p.owner = owner.ID
	return p
}

// upload sends a file in parts, as ingest does, and closes it.
func (p *plant) upload(t testing.TB, path string, part int) *catalog.Video {
	t.Helper()
	ctx := t.Context()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	video, err := p.StartVideo(ctx, catalog.NewVideo{OwnerID: p.owner, Title: "t", Visibility: catalog.InTeam, Length: -1})
	require.NoError(t, err)
	x := container.NewIndexer()
	for at := 0; at < len(data); at += part {
		piece := data[at:min(at+part, len(data))]
		key := fmt.Sprintf("v/%s/src/%016d-x", video.ID, at)
		_, err := p.store.Put(ctx, key, bytes.NewReader(piece))
		require.NoError(t, err)
		_, _ = x.Write(piece)
		fresh := x.Fragments()
		if at+part >= len(data) {
			fresh = append(fresh, x.Finish()...)
		}
		require.NoError(t, p.AppendPart(ctx, catalog.Arrival{
			UploadID: video.UploadID, VideoID: video.ID, Start: int64(at), Length: int64(len(piece)), ObjectKey: key,
			Index: indexOf(x, fresh), Last: at+part >= len(data),
		}))
	}
	return video
}

func indexOf(x *container.Indexer, fresh []container.Fragment) catalog.Index {
	var index catalog.Index
	if h := x.Header(); h != nil {
		m := &catalog.Media{Format: string(h.Format), Layout: string(h.Layout), WebSafe: h.WebSafe(), Duration: h.Duration}
		m.Header, _ = json.Marshal(h)
		for _, t := range h.Tracks {
			m.HasVideo = m.HasVideo || t.Kind == container.KindVideo
			m.HasAudio = m.HasAudio || t.Kind == container.KindAudio
			m.Width, m.Height = max(m.Width, t.Width), max(m.Height, t.Height)
		}
		index.Media = m
	}
	for _, f := range fresh {
		index.Fragments = append(index.Fragments, catalog.Fragment{Start: f.Offset, Length: f.Length, StartUS: f.Start.Microseconds(), DurationUS: f.Duration.Microseconds(), Samples: f.Samples})
	}
	return index
}

// settled waits until nothing is left to do for a video.
func (p *plant) settled(t testing.TB, id string) *catalog.Video {
	t.Helper()
	var video *catalog.Video
	require.Eventually(t, func() bool {
		var err error
		video, err = p.Video(t.Context(), id)
		require.NoError(t, err)
		return video.State == catalog.Ready || video.State == catalog.Failed
	}, testTime, 50*time.Millisecond)
	return video
}

// rung fetches a rendition of a video as one file.
func (p *plant) rung(t testing.TB, id, name string) string {
	t.Helper()
	tracks, err := p.Tracks(t.Context(), id)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), name+".mp4")
	var data []byte
	for _, track := range tracks {
		if track.Name != name {
			continue
		}
		file, err := p.store.Path(track.ObjectKey)
		require.NoError(t, err)
		object, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Len(t, object, int(track.Size))
		if len(data) > 0 {
			require.Equal(t, data[:track.InitLength], object[:track.InitLength])
			object = object[track.InitLength:]
		}
		data = append(data, object...)
	}
	require.NotEmpty(t, data)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

// requireNoLitter waits until what a job had for itself is gone: it is tidied up once
// the video is settled.
func (p *plant) requireNoLitter(t testing.TB, id string) {
	t.Helper()
	tracks, err := p.Tracks(t.Context(), id)
	require.NoError(t, err)
	var left []string
	var files int
	if !assert.Eventually(t, func() bool {
		left, files = p.litter(id)
		return len(left) == 0 && files == len(tracks)
	}, 2*time.Minute, 50*time.Millisecond) {
		require.Empty(t, left, "left behind")
		require.Equal(t, len(tracks), files, "objects without a row")
	}
}

// litter lists what lies in the scratch folder and is no whole copy, and counts the
// objects of a video's renditions.
func (p *plant) litter(id string) (left []string, files int) {
	entries, err := os.ReadDir(p.scratch)
	if err != nil {
		return []string{err.Error()}, 0
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "whole-") {
			left = append(left, e.Name())
		}
	}
	_ = filepath.WalkDir(filepath.Join(p.folder, "v", id, "ladder"), func(path string, d os.DirEntry, err error) error {
		// Sound that was made while it recorded stays a while for those who play
		// it now; housekeeping has its keys.
		if bridge := filepath.Base(filepath.Dir(path)) == "audio"; err == nil && !d.IsDir() && !bridge {
			files++
		}
		return nil // there may be no such folder
	})
	return left, files
}

var tone = []string{"-f", "lavfi", "-i", "sine=f=300:r=48000:d=40", "-c:a", "libopus"}

func TestARecordingBecomesALadder(t *testing.T) {
	t.Parallel()
	p := newPlant(t, "ffmpeg")
	path := recording(t, "take.mp4", counted("640x360", 40, screen), tone...)
	video := p.settled(t, p.upload(t, path, 50_000).ID)
	require.Equal(t, catalog.Ready, video.State, video.Reason)
	requireFrames(t, counters(t, path, 1), counters(t, p.rung(t, video.ID, "360p"), 1), "360p")
	require.InDelta(t, 40, lastPacket(t, p.rung(t, video.ID, "audio"), "a"), 0.1)
	p.requireNoLitter(t, video.ID)
}

// TestPlainFilesBecomeALadder covers files that have to be cut by time.
func TestPlainFilesBecomeALadder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file string
		args []string
	}{
		{"phone.mp4", []string{"-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "100", "-c:a", "aac", "-movflags", "+faststart"}},
		{"camera.mov", []string{"-c:v", "libx264", "-preset", "ultrafast", "-g", "47", "-c:a", "pcm_s16le"}},
		{"old.avi", []string{"-c:v", "mpeg4", "-q:v", "3", "-g", "50", "-c:a", "libmp3lame"}},
		{"obs.mkv", []string{"-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-c:a", "libopus"}},
		{"stream.ts", []string{"-c:v", "libx264", "-preset", "veryfast", "-g", "90", "-c:a", "aac"}},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			p := newPlant(t, "ffmpeg")
			path := filepath.Join(t.TempDir(), c.file)
			run(t, "ffmpeg", append(append([]string{"-v", "error", "-f", "lavfi", "-i", counted("640x360", 50, steady), "-f", "lavfi", "-i", "sine=f=300:r=48000:d=50"}, c.args...), path)...)
			video := p.settled(t, p.upload(t, path, 300_000).ID)
			require.Equal(t, catalog.Ready, video.State, video.Reason)
			requireFrames(t, counters(t, path, 1), counters(t, p.rung(t, video.ID, "360p"), 1), c.file)
			require.InDelta(t, 50, lastPacket(t, p.rung(t, video.ID, "audio"), "a"), 0.15)
			require.InDelta(t, 50, lastPacket(t, p.rung(t, video.ID, "360p"), "v"), 0.15)
			p.requireNoLitter(t, video.ID)
		})
	}
}

func TestSoundAloneIsALadderToo(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"memo.m4a", "memo.mp3", "memo.wav", "memo.ogg", "memo.flac"} {
		p := newPlant(t, "ffmpeg")
		path := filepath.Join(t.TempDir(), file)
		run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=f=300:r=44100:d=20", path)
		video := p.settled(t, p.upload(t, path, 1<<20).ID)
		require.Equal(t, catalog.Ready, video.State, "%s: %s", file, video.Reason)
		require.InDelta(t, 20, lastPacket(t, p.rung(t, video.ID, "audio"), "a"), 0.1, file)
	}
}

func TestWhatIsNoVideoGetsASentence(t *testing.T) {
	t.Parallel()
	p := newPlant(t, "ffmpeg")
	path := filepath.Join(t.TempDir(), "holiday.mp4")
	require.NoError(t, os.WriteFile(path, []byte("#EXTM3U\n#EXTINF:10,\n/etc/passwd\n"), 0o600))
	video := p.settled(t, p.upload(t, path, 1000).ID)
	require.Equal(t, catalog.Failed, video.State)
	require.Equal(t, "This file is not a video or audio recording that Meanwhile can read.", video.Reason)
}

// TestABugReachesTheOwner: a job that panics ends with a sentence, too.
func TestABugReachesTheOwner(t *testing.T) {
	t.Parallel()
	p := newPlant(t, "")
	video := p.settled(t, p.upload(t, recording(t, "take.mp4", counted("384x64", 4, steady)), 1<<20).ID)
	require.Equal(t, catalog.Failed, video.State)
	require.NotEmpty(t, video.Reason)
	p.requireNoLitter(t, video.ID)
}

func TestAPoisonousJobEndsAfterThreeAttempts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	poison := filepath.Join(dir, "ffmpeg")
	// No process may start meanwhile: it would hold the file open for a moment, and
	// nobody can run what is open for writing (golang/go#22315).
	syscall.ForkLock.RLock()
	err := os.WriteFile(poison, []byte("#!/bin/sh\necho x >> "+dir+"/runs\nprintf '\\000\\377' >&2\nkill -9 $$\n"), 0o700)
	syscall.ForkLock.RUnlock()
	require.NoError(t, err)
	p := newPlant(t, poison)
	video := p.settled(t, p.upload(t, recording(t, "take.mp4", counted("384x64", 4, steady)), 1<<20).ID)
	require.Equal(t, catalog.Failed, video.State)
	require.NotEmpty(t, video.Reason)
	runs, err := os.ReadFile(filepath.Join(dir, "runs"))
	require.NoError(t, err)
	require.Equal(t, 3, strings.Count(string(runs), "x"))
	p.requireNoLitter(t, video.ID)
}

func lastPacket(t testing.TB, path, kind string) float64 {
	t.Helper()
	out := run(t, "ffprobe", "-v", "error", "-select_streams", kind+":0", "-show_entries", "packet=pts_time", "-of", "csv=p=0", path)
	var last float64
	for line := range strings.FieldsSeq(string(out)) {
		_, _ = fmt.Sscan(strings.Trim(line, ","), &last)
	}
	return last
}
