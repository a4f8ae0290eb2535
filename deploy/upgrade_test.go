package deploy_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cluster"
	"github.com/meanwhile-app/meanwhile/cluster/clustertest"
	"github.com/meanwhile-app/meanwhile/cluster/ledger"
	"github.com/meanwhile-app/meanwhile/storage/database"
)

// release is the data folder of a server of the release before this one, and what was
// promised to those who used it. It is made by that release's binary:
//
//	go test ./deploy -run TestMakeRelease -release path/to/its/meanwhile
const release = "testdata/release.tar.gz"

// older flags the binary of another release.
func older() *flag.Flag { return flag.Lookup("release") }

var _ = flag.String("release", "", "binary of the release before this one, whose data folder is kept in "+release)

// promises are what the release before told its users.
type promises struct {
	Video, Sum, Comment string
	Link, Open          string
	OpenURL             string
	OpenAcked           int64
}

// TestMakeRelease keeps a data folder of another release.
func TestMakeRelease(t *testing.T) {
	if older().Value.String() == "" {
		t.Skip("only with -release")
	}
	folder := t.TempDir()
	c, err := cluster.New(t.Context(), nil, cluster.Options{Binary: older().Value.String(), Folder: folder, Servers: 1, Slots: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	s := newStudio(t, c)
	s.record(t, "finished")
	u := s.book.Uploads()[0]
	sum := sha256.Sum256(u.Content)
	kept := promises{Video: u.Video, Sum: hex.EncodeToString(sum[:]), Comment: "about finished", OpenAcked: 30_000}
	var link struct{ Slug string }
	require.NoError(t, s.client.JSON(t.Context(), http.MethodPost, "/api/videos/"+u.Video+"/links", map[string]any{"name": "for everybody"}, &link))
	kept.Link = link.Slug
	var open ledger.Video
	require.NoError(t, s.client.JSON(t.Context(), http.MethodPost, "/api/videos", map[string]string{"title": "open", "mime": "video/mp4"}, &open))
	kept.Open, kept.OpenURL = open.ID, open.UploadURL
	_, _, err = s.client.Once(t.Context(), ledger.Request{Method: http.MethodPatch, Path: open.UploadURL, Body: u.Content[:kept.OpenAcked], Header: map[string]string{
		"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0",
	}})
	require.NoError(t, err)
	require.NoError(t, c.Servers[0].Terminate(soon))
	raw, err := json.Marshal(kept)
	require.NoError(t, err)
	write(t, filepath.Join(folder, "server-1", "promises.json"), string(raw))
	target, err := filepath.Abs(release)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(target), 0o750))
	out, err := output(t, nil, program(t, "tar"), "--owner=0", "--group=0", "--exclude=scratch", "--exclude=*.lock", "-czf", target, "-C", folder, "server-1")
	require.NoError(t, err, out)
}

// TestUpgrade (F27) starts this release on the data of the one before: everything is
// there, what was shared is shared, and a recording that was under way goes on.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	out, err := output(t, nil, program(t, "tar"), "-xzf", release, "-C", folder)
	require.NoError(t, err, out)
	data := filepath.Join(folder, "server-1")
	var kept promises
	require.NoError(t, json.Unmarshal([]byte(read(t, filepath.Join(data, "promises.json"))), &kept))
	before := census(t, filepath.Join(data, "meanwhile.db"))
	require.Greater(t, len(before), 10)

	// First the schema alone, killed again and again on its way.
	for range 10 {
		cmd := exec.CommandContext(t.Context(), clustertest.Binary(t), "migrate")
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "MEANWHILE_DATA=" + data}
		require.NoError(t, cmd.Start())
		time.AfterFunc(30*time.Millisecond, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // it may have come to its end
	}
	out, err = output(t, []string{"MEANWHILE_DATA=" + data}, clustertest.Binary(t), "migrate")
	require.NoError(t, err, out)
	copied := filepath.Join(t.TempDir(), "copy.db")
	db, err := database.Open(t.Context(), "sqlite:"+filepath.Join(data, "meanwhile.db"))
	require.NoError(t, err)
	require.NoError(t, db.CopyTo(t.Context(), copied))
	require.NoError(t, db.Close())
	after := census(t, copied)
	for table, rows := range before {
		if !strings.HasPrefix(table, "river") && table != "goose_db_version" {
			require.Equal(t, rows, after[table], table)
		}
	}

	c := alone(t, folder)
	client := ledger.NewClient(c.Front.URL())
	require.NoError(t, client.SignIn(t.Context()), "with the password of before")
	video, err := client.Video(t.Context(), kept.Video)
	require.NoError(t, err)
	require.Equal(t, "ready", video.State)
	source, _, err := client.Send(t.Context(), ledger.Request{Method: http.MethodGet, Path: video.Media() + "/source"})
	require.NoError(t, err)
	sum := sha256.Sum256(source)
	require.Equal(t, kept.Sum, hex.EncodeToString(sum[:]))
	playlist, _, err := client.Send(t.Context(), ledger.Request{Method: http.MethodGet, Path: video.Playback.HLS})
	require.NoError(t, err)
	require.Contains(t, string(playlist), "#EXT-X-STREAM-INF")
	comments, _, err := client.Send(t.Context(), ledger.Request{Method: http.MethodGet, Path: "/api/videos/" + kept.Video + "/comments"})
	require.NoError(t, err)
	require.Contains(t, string(comments), kept.Comment)
	require.Equal(t, http.StatusOK, status(t.Context(), http.DefaultClient, c.Front.URL()+"/v/"+kept.Link), "what was shared is shared")

	_, header, err := client.Send(t.Context(), ledger.Request{Method: http.MethodHead, Path: kept.OpenURL, Header: map[string]string{"Tus-Resumable": "1.0.0"}})
	require.NoError(t, err)
	require.Equal(t, "30000", header.Get("Upload-Offset"))
	_, _, err = client.Send(t.Context(), ledger.Request{Method: http.MethodPatch, Path: kept.OpenURL, Body: source[kept.OpenAcked:], Header: map[string]string{
		"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream", "Upload-Offset": "30000",
	}})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		open, err := client.Video(t.Context(), kept.Open)
		return err == nil && open.SizeBytes == int64(len(source))
	}, soon, tick)
}

// census counts the rows of each table.
func census(t *testing.T, path string) map[string]int {
	t.Helper()
	db, err := database.OpenCopy(t.Context(), path)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	var tables []string
	require.NoError(t, db.Reader.NewRaw("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").Scan(t.Context(), &tables))
	rows := map[string]int{}
	for _, table := range tables {
		var n int
		require.NoError(t, db.Reader.NewRaw("SELECT count(*) FROM "+table).Scan(t.Context(), &n))
		rows[table] = n
	}
	return rows
}
