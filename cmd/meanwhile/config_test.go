package main

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSecretsComeFromFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte("sqlite:/from/a/file.db\n"), 0o600))
	t.Setenv("MEANWHILE_DATABASE_URL_FILE", file)
	t.Setenv("MEANWHILE_DATABASE_URL", "sqlite:/from/the/environment.db")
	t.Setenv("OTHER_FILE", "/absent")
	t.Setenv("MEANWHILE_EMPTY_FILE", "")
	require.NoError(t, readSecretFiles())
	require.Equal(t, "sqlite:/from/a/file.db", os.Getenv("MEANWHILE_DATABASE_URL"), "the file wins, without its line's end")
	_, set := os.LookupEnv("OTHER")
	require.False(t, set)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY_FILE", file)
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/absent") // which is AWS's own
	require.NoError(t, readSecretFiles())
	require.Equal(t, "sqlite:/from/a/file.db", os.Getenv("AWS_SECRET_ACCESS_KEY"))
	t.Setenv("MEANWHILE_ADDR_FILE", filepath.Join(t.TempDir(), "absent"))
	require.ErrorContains(t, readSecretFiles(), "MEANWHILE_ADDR_FILE")
}

func TestWherePeopleReachTheServer(t *testing.T) {
	t.Parallel()
	at := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 8080} }
	for ip, want := range map[string]string{
		"127.0.0.1": "http://localhost:8080", "::1": "http://localhost:8080", "0.0.0.0": "http://localhost:8080", "::": "http://localhost:8080",
		"192.0.2.7": "http://192.0.2.7:8080", "2001:db8::7": "http://[2001:db8::7]:8080",
	} {
		u, err := new(Config).base(at(ip))
		require.NoError(t, err)
		require.Equal(t, want, u.String())
	}
	for raw, want := range map[string]string{"https://video.example.org": "https://video.example.org", "https://video.example.org/": "https://video.example.org", "http://h:81": "http://h:81"} {
		u, err := (&Config{BaseURL: raw}).base(at("127.0.0.1"))
		require.NoError(t, err)
		require.Equal(t, want, u.String())
	}
	for _, raw := range []string{"video.example.org", "ftp://x", "https://", "https://x/sub", "//x", "https://x?q=1", "https://x#f", "https://user:hunter2@x", "https://a b", "%"} {
		_, err := (&Config{BaseURL: raw}).base(at("127.0.0.1"))
		require.ErrorContains(t, err, "MEANWHILE_BASE_URL", raw)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestWhereThingsAreKept(t *testing.T) {
	t.Parallel()
	c := &Config{Data: "/d"}
	require.Equal(t, "sqlite:/d/meanwhile.db", c.database())
	folder, err := c.objects()
	require.NoError(t, err)
	require.Equal(t, "/d/objects", folder)
	for raw, want := range map[string]string{"/elsewhere": "/elsewhere", "file:///elsewhere": "/elsewhere", "relative": "relative"} {
		folder, err = (&Config{ObjectsURL: raw}).objects()
		require.NoError(t, err)
		require.Equal(t, want, folder)
	}
	for _, raw := range []string{"s3://key:hunter2@bucket", "gs://hunter2", "s3://bucket?secret=hunter2", "s3://bucket?endpoint=hunter2", "s3://?endpoint=http://hunter2", "s3://b/../hunter2"} {
		_, err = (&Config{ObjectsURL: raw}).objects()
		require.ErrorContains(t, err, "MEANWHILE_OBJECTS_URL", raw)
		require.NotContains(t, err.Error(), "hunter2")
	}
	bucket, err := (&Config{ObjectsURL: "s3://bucket/below?endpoint=http://127.0.0.1:9000&region=here"}).objects()
	require.NoError(t, err)
	require.Equal(t, "s3://bucket/below?endpoint=http://127.0.0.1:9000&region=here", bucket)
	require.Equal(t, []string{"/d"}, folders("/d", bucket), "only disks have room")
	c.DatabaseURL = "sqlite:/x.db"
	require.Equal(t, "sqlite:/x.db", c.database())
}

func TestTheDoctorIsToldWherePeopleReachTheServer(t *testing.T) {
	t.Parallel()
	for row, want := range map[[2]string]string{
		{"0.0.0.0:8080", ""}: "http://localhost:8080", {"192.0.2.1:8080", ""}: "http://192.0.2.1:8080", {"nonsense", ""}: "http://localhost:0",
		{"127.0.0.1:8080", "https://video.example"}: "https://video.example", {"127.0.0.1:8080", "video.example"}: "",
	} {
		p := (&Config{Addr: row[0], BaseURL: row[1]}).patient()
		if want == "" {
			require.ErrorContains(t, p.BaseErr, "MEANWHILE_BASE_URL")
			continue
		}
		require.Equal(t, want, p.Base.String(), "%v", row)
	}
}
