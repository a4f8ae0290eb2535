package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/notify/smtptest"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
)

func doctorConfig(t *testing.T) *Config {
	t.Helper()
	return &Config{Addr: "127.0.0.1:0", Data: filepath.Join(t.TempDir(), "data"), FFmpeg: "ffmpeg", FFprobe: "ffprobe"}
}

func found(t *testing.T, all []finding, name string) finding {
	t.Helper()
	for _, f := range all {
		if f.Name == name {
			return f
		}
	}
	require.Failf(t, "no such finding", "%s in %v", name, all)
	return finding{}
}

func migrated(t *testing.T, config *Config) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), config.database())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Migrate(t.Context(), slog.New(slog.DiscardHandler)))
	return db
}

func TestTheDoctorFindsAFreshMachineWell(t *testing.T) {
	t.Parallel()
	config := doctorConfig(t)
	var out bytes.Buffer
	require.NoError(t, doctorCmd{}.report(&out, examine(t.Context(), config)), out.String())
	for _, name := range []string{"ffmpeg", "codecs", "data folder", "disk", "database", "clock", "base URL", "mail", "address"} {
		require.Contains(t, out.String(), name)
	}
	require.NoDirExists(t, config.Data, "it changes nothing")
}

func TestTheDoctorSpeaksJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := doctorCmd{JSON: true}.report(&out, []finding{{"a", fine, "x", ""}, {"b", failure, "y", "do z"}})
	require.ErrorIs(t, err, errUnwell)
	var got struct {
		OK     bool
		Checks []finding
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	require.False(t, got.OK)
	require.Equal(t, finding{"b", failure, "y", "do z"}, got.Checks[1])
	out.Reset()
	require.NoError(t, doctorCmd{}.report(&out, []finding{{"a", warning, "x", "do z"}}), "a warning is no failure")
	require.Contains(t, out.String(), "→ do z")
}

func TestTheDoctorSignsInToTheMailServer(t *testing.T) {
	t.Parallel()
	server := &smtptest.Server{Users: map[string]string{"video": "secret"}}
	require.NoError(t, server.Start())
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	config := doctorConfig(t)
	config.SMTPURL, config.MailFrom = "smtp://video:secret@"+server.Addr(), "Meanwhile <video@example.org>"
	f := examineMail(t.Context(), config)
	require.Equal(t, fine, f.Status, f.Detail)
	require.Equal(t, server.Addr()+" as video@example.org lets Meanwhile in", f.Detail)
	require.Empty(t, server.Letters())
	for url, says := range map[string]string{
		"smtp://video:wrong@" + server.Addr(): "refuses: 535", "smtp://video:secret@" + server.Addr() + "?starttls=required": "offers no encryption", "gopher://video:secret@x": "MEANWHILE_SMTP_URL",
	} {
		config.SMTPURL = url
		f := examineMail(t.Context(), config)
		require.Equal(t, failure, f.Status)
		require.Contains(t, f.Detail, says)
		require.NotEmpty(t, f.Advice)
		require.NotContains(t, f.Detail+f.Advice, "secret")
	}
}

func TestTheDoctorMissesFFmpeg(t *testing.T) {
	t.Parallel()
	config := doctorConfig(t)
	config.FFmpeg = "no-such-ffmpeg"
	f := found(t, examineFFmpeg(t.Context(), config), "ffmpeg")
	require.Equal(t, failure, f.Status)
	require.Contains(t, f.Advice, "apt install ffmpeg")
}

func TestTheDoctorNamesMissingCodecs(t *testing.T) {
	t.Parallel()
	all := map[string]bool{}
	for name := range strings.FieldsSeq("libx264 aac mjpeg h264 vp8 vp9 opus libwebp_anim hevc vorbis mp3 flac mpeg4 libdav1d") {
		all[name] = true
	}
	require.Equal(t, fine, examineCodecs(&ffmpeg.Build{Encoders: all, Decoders: all}).Status)
	without := func(name string) finding {
		some := map[string]bool{}
		for n := range all {
			some[n] = n != name
		}
		return examineCodecs(&ffmpeg.Build{Encoders: some, Decoders: some})
	}
	require.Equal(t, failure, without("libx264").Status)
	require.Contains(t, without("libx264").Detail, "libx264")
	require.Equal(t, failure, without("vp9").Status)
	require.Equal(t, warning, without("libwebp_anim").Status)
	require.Equal(t, warning, without("libdav1d").Status)
}

func TestTheDoctorReadsTheDatabase(t *testing.T) {
	t.Parallel()
	config := doctorConfig(t)
	db := migrated(t, config)
	well := examineDatabase(t.Context(), config)
	require.Equal(t, fine, found(t, well, "schema").Status)
	require.Equal(t, fine, found(t, well, "database").Status)

	_, err := db.Writer.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
	require.NoError(t, err)
	newer := found(t, examineDatabase(t.Context(), config), "schema")
	require.Equal(t, failure, newer.Status)
	require.Contains(t, newer.Advice, "newer release")
}

func TestTheDoctorSeesADamagedDatabase(t *testing.T) {
	t.Parallel()
	config := doctorConfig(t)
	db := migrated(t, config)
	_, err := db.Writer.ExecContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	path := strings.TrimPrefix(config.database(), "sqlite:")
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	for i := 3 * 4096; i < len(raw); i++ {
		raw[i] ^= 0x5a
	}
	require.NoError(t, os.WriteFile(path, raw, 0o600))
	var statuses []string
	for _, f := range examineDatabase(t.Context(), config) {
		statuses = append(statuses, f.Status)
	}
	require.Contains(t, statuses, failure)

	require.NoError(t, os.WriteFile(path, []byte("this is not a database, not at all"), 0o600))
	require.Equal(t, failure, examineDatabase(t.Context(), config)[0].Status)
}

func TestTheDoctorLooksAtTheClock(t *testing.T) {
	t.Parallel()
	config := doctorConfig(t)
	require.Equal(t, failure, examineClock(config, time.Unix(0, 0)).Status)
	migrated(t, config)
	path := strings.TrimPrefix(config.database(), "sqlite:")
	later := time.Now().Add(time.Hour)
	require.NoError(t, os.Chtimes(path, later, later))
	require.Equal(t, warning, examineClock(config, time.Now()).Status)
}

func TestTheDoctorKnowsWhereBrowsersRecord(t *testing.T) {
	t.Parallel()
	rows := map[[2]string]string{
		{"127.0.0.1:8080", ""}:                        fine,
		{"0.0.0.0:8080", ""}:                          fine,
		{"192.0.2.1:8080", ""}:                        warning,
		{"127.0.0.1:8080", "https://video.example"}:   fine,
		{"127.0.0.1:8080", "http://video.example"}:    warning,
		{"127.0.0.1:8080", "http://x.localhost:8080"}: fine,
		{"127.0.0.1:8080", "video.example"}:           failure,
	}
	for row, status := range rows {
		require.Equal(t, status, examineBase(&Config{Addr: row[0], BaseURL: row[1]}).Status, "%v", row)
	}
}

func TestTheDoctorAsksForTheAddress(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	closing := make(chan struct{})
	go func() {
		defer close(closing)
		for {
			c, err := taken.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	require.Equal(t, failure, examineAddr(t.Context(), &Config{Addr: taken.Addr().String()}).Status)
	require.NoError(t, taken.Close())
	<-closing

	ours := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"status":"ok"}`)) }))
	defer ours.Close()
	addr := strings.TrimPrefix(ours.URL, "http://")
	require.Equal(t, fine, examineAddr(t.Context(), &Config{Addr: addr}).Status)
	require.NoError(t, doctorCmd{Health: true}.Run(t.Context(), &Config{Addr: addr}))
}

func TestHealthOfWhatIsNotWell(t *testing.T) {
	t.Parallel()
	sick := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"status":"ok"}`))
	}))
	defer sick.Close()
	addr := strings.TrimPrefix(sick.URL, "http://")
	require.ErrorContains(t, askHealth(t.Context(), &Config{Addr: addr}), "503")
	require.ErrorContains(t, askHealth(t.Context(), &Config{Addr: "127.0.0.1:0"}), "no port")
	require.Error(t, askHealth(t.Context(), &Config{Addr: "nonsense"}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, askHealth(ctx, &Config{Addr: addr}))
}

func TestTheDoctorNeedsAFolderToWriteTo(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, path := range []string{file, filepath.Join(file, "below")} {
		require.Equal(t, failure, examineFolder("data folder", path).Status, path)
	}
}
