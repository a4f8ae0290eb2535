package deploy_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cluster"
	"github.com/meanwhile-app/meanwhile/cluster/clustertest"
	"github.com/meanwhile-app/meanwhile/cluster/ledger"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/objects/mirror"
	"github.com/meanwhile-app/meanwhile/storage/objects/objectstest"
	"github.com/meanwhile-app/meanwhile/storage/storestest"
)

// clipSeconds is how long the recordings of these tests last.
const clipSeconds = 4

// busyTime is how long one worker may need for all that two people recorded during
// a backup, while other tests have the processors.
const busyTime = 5 * time.Minute

// studio is an installation that people record with while it is backed up.
type studio struct {
	*cluster.Cluster

	client *ledger.Client
	book   *ledger.Ledger
	clip   *ledger.Clip
	// address is one of media that was handed out.
	address string
}

func newStudio(t *testing.T, c *cluster.Cluster) *studio {
	t.Helper()
	owner(t, c)
	s := &studio{Cluster: c, client: ledger.NewClient(c.Front.URL())}
	require.NoError(t, s.client.SignIn(t.Context()))
	s.book = ledger.New(s.client)
	s.book.SettleTime = busyTime
	var err error
	s.clip, err = ledger.NewClip(t.Context(), clipSeconds)
	require.NoError(t, err)
	return s
}

// alone starts one server that keeps everything in a folder.
func alone(t *testing.T, folder string) *cluster.Cluster {
	t.Helper()
	return clustertest.Start(t, nil, cluster.Options{Folder: folder, Servers: 1, Slots: 1})
}

// record makes a finished video with a comment.
func (s *studio) record(t *testing.T, title string) {
	t.Helper()
	u, err := s.book.Begin(t.Context(), title, s.clip.Take())
	require.NoError(t, err)
	require.NoError(t, u.Finish(t.Context()))
	require.NoError(t, s.book.Say(t.Context(), u.Video, "about "+title, time.Second))
	require.NoError(t, u.Ready(t.Context()))
	video, err := s.client.Video(t.Context(), u.Video)
	require.NoError(t, err)
	s.address = video.Playback.HLS
	_, _, err = s.client.Send(t.Context(), ledger.Request{Method: http.MethodGet, Path: s.address})
	require.NoError(t, err)
}

// busy records on and on until it is stopped; what it records may or may not be
// in a backup that is made meanwhile.
func (s *studio) busy(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			book := ledger.New(s.client)
			pace := time.NewTicker(400 * time.Millisecond) // people are slower than their lines
			defer pace.Stop()
			for ctx.Err() == nil {
				u, err := book.Begin(ctx, "meanwhile", s.clip.Take())
				for at := int64(0); err == nil && at < int64(len(u.Content)); at += 30_000 {
					<-pace.C
					err = u.Send(ctx, at)
				}
				if err == nil {
					err = errors.Join(u.Finish(ctx), book.Say(ctx, u.Video, "said meanwhile", 0))
				}
				if err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

// tool runs a command of the binary with the settings of a server.
func tool(t *testing.T, c *cluster.Cluster, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), c.Binary, args...)
	cmd.Env = c.Servers[0].Env
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

// requireRestored wants everything of before the backup, for people who sign in anew.
func (s *studio) requireRestored(t *testing.T, back *cluster.Cluster) {
	t.Helper()
	s.client.Base = back.Front.URL()
	_, _, err := s.client.Send(t.Context(), ledger.Request{Method: http.MethodGet, Path: "/api/videos"})
	require.ErrorContains(t, err, "answered 401", "sessions of before are void")
	_, _, err = s.client.Send(t.Context(), ledger.Request{Method: http.MethodGet, Path: s.address})
	require.ErrorContains(t, err, "answered 403", "and so are addresses of media")
	require.NoError(t, s.client.SignIn(t.Context()))
	require.NoError(t, s.book.Settled(t.Context(), s.clip), "every video is there, byte for byte, and plays")
}

// TestBackupOfOneMachine (F26): a server is backed up while people record, twice into
// the same folder, and brought back to an empty folder.
func TestBackupOfOneMachine(t *testing.T) {
	t.Parallel()
	folder, kept := t.TempDir(), t.TempDir()
	s := newStudio(t, alone(t, folder))
	s.record(t, "first")
	open, err := s.book.Begin(t.Context(), "still recording", s.clip.Take())
	require.NoError(t, err)
	require.NoError(t, open.Send(t.Context(), 50_000))
	stop := s.busy(t)
	require.Regexp(t, `^Backed up to .* objects`, tool(t, s.Cluster, "backup", "--to", kept))
	s.record(t, "second")
	s.bulk(t, 30)
	tool(t, s.Cluster, "backup", "--to", kept)
	stop()
	s.Servers[0].Kill()
	require.NoError(t, os.RemoveAll(folder))

	folder = t.TempDir()
	data := filepath.Join(folder, "server-1")
	quickest := restore(t, data, kept)
	for range 4 { // the machine may have stood still for a moment, and that counts as minutes here
		quickest = min(quickest, restore(t, t.TempDir(), kept))
	}
	require.Less(t, quickest, max(10*time.Minute, 10*plainly(t, kept)), "ten gigabytes in ten minutes, where the disk is not slower than that")
	back := alone(t, folder)
	s.requireRestored(t, back)
	require.NoError(t, open.Finish(t.Context()), "a recording that ran goes on from where the copy has it")
	require.NoError(t, s.book.Settled(t.Context(), s.clip))
	require.Regexp(t, `ok +database`, tool(t, back, "doctor"), "the database is whole")

	out, err := output(t, []string{"MEANWHILE_DATA=" + data}, clustertest.Binary(t), "restore", "--from", kept)
	require.Error(t, err, "nothing is overwritten")
	require.Contains(t, out, "another server")
}

// bulk uploads so many megabytes, in pieces of one.
func (s *studio) bulk(t *testing.T, megabytes int) {
	t.Helper()
	content := make([]byte, megabytes<<20)
	_, _ = rand.Read(content)
	u, err := ledger.New(s.client).Begin(t.Context(), "large", content)
	require.NoError(t, err)
	for at := range megabytes {
		require.NoError(t, u.Send(t.Context(), int64(at+1)<<20))
	}
}

// restore brings a backup back to an empty folder, and returns how long ten gigabytes
// would take.
func restore(t *testing.T, data, kept string) time.Duration {
	t.Helper()
	out, err := output(t, []string{"MEANWHILE_DATA=" + data}, clustertest.Binary(t), "restore", "--from", kept)
	require.NoError(t, err, out)
	said := regexp.MustCompile(`in (\S+): (\d+) objects, (\d+) bytes`).FindStringSubmatch(out)
	require.Len(t, said, 4, out)
	took, err := time.ParseDuration(said[1])
	require.NoError(t, err)
	bytes, err := strconv.ParseFloat(said[3], 64)
	require.NoError(t, err)
	t.Logf("restored %s objects, %.0f MB in %v: 10 GB take %v", said[2], bytes/1e6, took, whole(took, bytes).Round(time.Second))
	return whole(took, bytes)
}

// whole is how long ten gigabytes take where some bytes took so long.
func whole(took time.Duration, bytes float64) time.Duration {
	return time.Duration(float64(took) * 10e9 / bytes)
}

// plainly is how long ten gigabytes take if all that a folder holds is written once more
// to the disk of this machine, file by file.
func plainly(t *testing.T, folder string) time.Duration {
	t.Helper()
	to, began, bytes := t.TempDir(), time.Now(), 0
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		bytes += len(raw)
		file, err := os.CreateTemp(to, "")
		if err != nil {
			return err
		}
		_, err = file.Write(raw)
		return errors.Join(err, file.Sync(), file.Close())
	}))
	t.Logf("wrote %.0f MB in %v", float64(bytes)/1e6, time.Since(began))
	return whole(time.Since(began), float64(bytes))
}

// TestBackupOfACluster (F26): the database by pg_dump and the bucket by copying, in
// the order that docs/backup.md gives, while people record; then both are brought
// back to an empty database and an empty bucket.
func TestBackupOfACluster(t *testing.T) {
	t.Parallel()
	c := servers(t, 1, "MEANWHILE_WORKERS=1")
	s := newStudio(t, c)
	s.record(t, "first")
	stop := s.busy(t)
	all, copied, again := c.Stores, c.Name+"-copy", c.Name+"-again"
	require.NoError(t, all.Gateway.Create(copied)) // where the bucket is backed up to
	t.Cleanup(func() { require.NoError(t, all.Gateway.Drop(copied)) })
	copyBucket(t, all, c.Name, copied)
	dump := filepath.Join(t.TempDir(), "dump")
	postgres(t, "pg_dump", "--format=custom", "--file="+dump, all.Postgres.URL(all.Postgres.Addr(), c.Name))
	copyBucket(t, all, c.Name, copied)
	stop()
	require.NoError(t, c.Servers[0].Terminate(soon))

	require.NoError(t, all.Postgres.Create(t.Context(), again, ""))
	require.NoError(t, all.Gateway.Create(again))
	t.Cleanup(func() { require.NoError(t, all.Drop(context.WithoutCancel(t.Context()), again)) })
	copyBucket(t, all, copied, again)
	postgres(t, "pg_restore", "--no-owner", "--exit-on-error", "--dbname="+all.Postgres.URL(all.Postgres.Addr(), again), dump)
	back, err := cluster.Open(t.Context(), all, cluster.Options{
		Binary: clustertest.Binary(t), Folder: t.TempDir(), Name: again, Servers: 2, Workers: 1, Env: []string{"MEANWHILE_RATE_FACTOR=1000"},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, back.Close()) })
	require.Contains(t, tool(t, back, "restore"), "are void")
	require.NoError(t, back.Start(t.Context()))
	s.requireRestored(t, back)
}

// postgres runs one of PostgreSQL's programs.
func postgres(t *testing.T, name string, args ...string) {
	t.Helper()
	found, err := storestest.FindPostgres()
	require.NoError(t, err)
	out, err := output(t, nil, found.Program(name), args...)
	require.NoError(t, err, out)
}

// copyBucket copies what is not there yet, as any tool for S3 does.
func copyBucket(t *testing.T, all *cluster.Stores, from, to string) {
	t.Helper()
	open := func(bucket string) mirror.Source {
		keys := objects.Options{AccessKeyID: storestest.AccessKey, SecretAccessKey: storestest.SecretKey}
		store, ok := objectstest.Open(t, all.Gateway.URL(all.Gateway.Addr(), bucket), keys).(mirror.Source)
		require.True(t, ok)
		return store
	}
	_, err := mirror.Mirror{From: open(from), To: open(to), Log: slog.New(slog.DiscardHandler)}.Copy(t.Context())
	require.NoError(t, err)
}
