package main

import (
	"crypto/sha256"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/objects/mirror"
	"github.com/meanwhile-app/meanwhile/storage/objects/objectstest"
)

// said asks the API and returns what it answers.
func (c client) said(t *testing.T, method, url, body string) string {
	t.Helper()
	res, err := c.do(t, method, url, strings.NewReader(body), "Content-Type", "application/json")
	require.NoError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Less(t, res.StatusCode, 300, "%s", raw)
	return string(raw)
}

// TestAnInstallationMovesToACluster: SQLite and a folder become PostgreSQL and a
// bucket, with half a recording among it that goes on there.
func TestAnInstallationMovesToACluster(t *testing.T) {
	t.Parallel()
	data, bucket := t.TempDir(), objectstest.S3(t)
	p := serve(t, data)
	c, video, path := begin(t, data, p)
	const half, whole = 300_000, 500_000
	res, err := c.patch(t, p.url+path, 0, strings.NewReader(string(letters(0, half))))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	c.said(t, http.MethodPost, p.url+video+"/comments", `{"at_ms":1000,"body":"here, ✓"}`)
	c.said(t, http.MethodPost, p.url+"/api/videos", `{"title":"Another","mime":"video/mp4"}`)

	address := databasetest.URL(t, database.PostgreSQL)
	cluster := &fleet{t: t, env: append(bucket.Env(), "MEANWHILE_SANDBOX=auto")}
	copyTo := append([]string{"migrate", "copy", "--objects-url", data + "/objects", "--to-objects-url", bucket.URL}, "--to-database-url", address)
	out, err := cluster.tool(data, "", append(copyTo, "--objects-only")...)
	require.NoError(t, err, "the media are copied while the server runs")
	require.Contains(t, out, "read back and equal")
	_, err = cluster.tool(data, "", copyTo...)
	require.Error(t, err, "a server still writes")

	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, <-p.exit)
	out, err = cluster.tool(data, "", copyTo...)
	require.NoError(t, err)
	require.Contains(t, out, "jobs go on there")
	_, err = cluster.tool(data, "", copyTo...)
	require.Error(t, err, "it is there already")

	cluster.env = append(cluster.env, "MEANWHILE_DATABASE_URL="+address)
	server := cluster.start("serve", "--workers", "0")
	require.Contains(t, c.said(t, http.MethodGet, server.url+video+"/comments", ""), "here, ✓")
	require.Contains(t, c.said(t, http.MethodGet, server.url+"/api/videos", ""), "Another")
	upload := server.url + path
	require.EqualValues(t, half, c.offset(t, upload))
	res, err = c.patch(t, upload, half, strings.NewReader(string(letters(half, whole-half))))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusNoContent, res.StatusCode)
	require.Equal(t, sha256.Sum256(letters(0, whole)), sha256.Sum256(c.kept(t, server.url, video)))
}

func TestMigrateCopyCountsWhatIsGone(t *testing.T) {
	t.Parallel()
	require.Equal(t, "Media: 3 objects, 9 bytes; 2 of them copied now, 1 read back and equal.\n", mediaReport(mirror.Copied{Objects: 3, Bytes: 9, Copied: 2, Compared: 1}))
	require.Contains(t, mediaReport(mirror.Copied{Gone: 4}), "\n4 objects were deleted while they were to be copied.")
}

func TestMigrateCopySaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for _, bad := range []struct {
		args []string
		want string
	}{
		{nil, "--to-database-url is missing"},
		{[]string{"--objects-only"}, "--objects-only needs --to-objects-url"},
		{[]string{"--to-database-url", "postgres://localhost/x", "--to-objects-url", "ftp://host"}, "media lies in a folder or in s3://bucket"},
		{[]string{"--database-url", "postgres://localhost/x", "--to-database-url", "postgres://localhost/y"}, "moves an installation with SQLite"},
		{[]string{"--to-database-url", "sqlite:" + filepath.Join(t.TempDir(), "x")}, "from SQLite to PostgreSQL"},
	} {
		_, err := program(t, t.TempDir(), "", append([]string{"migrate", "copy"}, bad.args...)...)
		require.ErrorContains(t, err, bad.want)
	}
}
