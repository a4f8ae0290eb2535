package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/notify"
	"github.com/meanwhile-app/meanwhile/server/notify/smtptest"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg/sandbox"
)

// TestMain lets the sandbox start this program inside itself.
func TestMain(m *testing.M) {
	if status, mine := sandbox.Dispatch(os.Args); mine {
		os.Exit(status)
	}
	os.Exit(m.Run())
}

// testTime is how long something may take that is sure to come.
const testTime = 3 * time.Minute

func patient(t *testing.T) Patient {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	return Patient{
		FFmpeg: "ffmpeg", FFprobe: "ffprobe", Sandbox: "auto", Scratch: filepath.Join(data, "scratch"), Data: data, Media: filepath.Join(data, "objects"),
		Database: "sqlite:" + filepath.Join(data, "meanwhile.db"), Base: &url.URL{Scheme: "http", Host: "localhost:8080"}, Server: Server{Addr: "127.0.0.1:0", Scheme: "http"},
	}
}

func found(t *testing.T, all []Finding, name string) Finding {
	t.Helper()
	for _, f := range all {
		if f.Name == name {
			return f
		}
	}
	require.Failf(t, "no such finding", "%s in %v", name, all)
	return Finding{}
}

func migrated(t *testing.T, p Patient) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), p.Database)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Migrate(t.Context(), slog.New(slog.DiscardHandler)))
	return db
}

func TestTheDoctorFindsAFreshMachineWell(t *testing.T) {
	t.Parallel()
	p := patient(t)
	var out bytes.Buffer
	require.NoError(t, Report(&out, Examine(t.Context(), p), false), out.String())
	for _, name := range []string{"ffmpeg", "codecs", "data folder", "disk", "database", "clock", "base URL", "mail", "address"} {
		require.Contains(t, out.String(), name)
	}
	require.NoDirExists(t, p.Data, "it changes nothing")
}

func TestTheDoctorSpeaksJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := Report(&out, []Finding{{"a", Fine, "x", ""}, {"b", Failure, "y", "do z"}}, true)
	require.ErrorIs(t, err, ErrUnwell)
	var got struct {
		OK     bool
		Checks []Finding
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	require.False(t, got.OK)
	require.Equal(t, Finding{"b", Failure, "y", "do z"}, got.Checks[1])
	out.Reset()
	require.NoError(t, Report(&out, []Finding{{"a", Warning, "x", "do z"}}, false), "a warning is no Failure")
	require.Contains(t, out.String(), "→ do z")
}

func TestTheDoctorSignsInToTheMailServer(t *testing.T) {
	t.Parallel()
	server := &smtptest.Server{Users: map[string]string{"video": "secret"}}
	require.NoError(t, server.Start())
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	p := patient(t)
	mail := func(address string) {
		p.Mail, p.MailErr = notify.New(notify.Options{SMTP: address, From: "Meanwhile <video@example.org>", BaseURL: p.Base, Log: slog.New(slog.DiscardHandler)})
	}
	mail("smtp://video:secret@" + server.Addr())
	f := examineMail(t.Context(), p)
	require.Equal(t, Fine, f.Status, f.Detail)
	require.Equal(t, server.Addr()+" as video@example.org lets Meanwhile in", f.Detail)
	require.Empty(t, server.Letters())
	for address, says := range map[string]string{
		"smtp://video:wrong@" + server.Addr(): "refuses: 535", "smtp://video:secret@" + server.Addr() + "?starttls=required": "offers no encryption", "gopher://video:secret@x": "MEANWHILE_SMTP_URL",
	} {
		mail(address)
		f := examineMail(t.Context(), p)
		require.Equal(t, Failure, f.Status)
		require.Contains(t, f.Detail, says)
		require.NotEmpty(t, f.Advice)
		require.NotContains(t, f.Detail+f.Advice, "secret")
	}
}

func TestTheDoctorMissesFFmpeg(t *testing.T) {
	t.Parallel()
	p := patient(t)
	p.FFmpeg = "no-such-ffmpeg"
	f := found(t, examineFFmpeg(t.Context(), p), "ffmpeg")
	require.Equal(t, Failure, f.Status)
	require.Contains(t, f.Advice, "apt install ffmpeg")
}

func TestTheDoctorNamesMissingCodecs(t *testing.T) {
	t.Parallel()
	all := map[string]bool{}
	for name := range strings.FieldsSeq("libx264 aac mjpeg h264 vp8 vp9 opus libwebp_anim hevc vorbis mp3 flac mpeg4 libdav1d") {
		all[name] = true
	}
	require.Equal(t, Fine, examineCodecs(&ffmpeg.Build{Encoders: all, Decoders: all}).Status)
	without := func(name string) Finding {
		some := map[string]bool{}
		for n := range all {
			some[n] = n != name
		}
		return examineCodecs(&ffmpeg.Build{Encoders: some, Decoders: some})
	}
	require.Equal(t, Failure, without("libx264").Status)
	require.Contains(t, without("libx264").Detail, "libx264")
	require.Equal(t, Failure, without("vp9").Status)
	require.Equal(t, Warning, without("libwebp_anim").Status)
	require.Equal(t, Warning, without("libdav1d").Status)
}

func TestTheDoctorReadsTheDatabase(t *testing.T) {
	t.Parallel()
	p := patient(t)
	db := migrated(t, p)
	well := examineDatabase(t.Context(), p.Database)
	require.Equal(t, Fine, found(t, well, "schema").Status)
	require.Equal(t, Fine, found(t, well, "database").Status)

	_, err := db.Writer.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
	require.NoError(t, err)
	newer := found(t, examineDatabase(t.Context(), p.Database), "schema")
	require.Equal(t, Failure, newer.Status)
	require.Contains(t, newer.Advice, "newer release")
}

func TestTheDoctorSeesADamagedDatabase(t *testing.T) {
	t.Parallel()
	p := patient(t)
	db := migrated(t, p)
	_, err := db.Writer.ExecContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	path := strings.TrimPrefix(p.Database, "sqlite:")
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	for i := 3 * 4096; i < len(raw); i++ {
		raw[i] ^= 0x5a
	}
	require.NoError(t, os.WriteFile(path, raw, 0o600))
	var statuses []string
	for _, f := range examineDatabase(t.Context(), p.Database) {
		statuses = append(statuses, f.Status)
	}
	require.Contains(t, statuses, Failure)

	require.NoError(t, os.WriteFile(path, []byte("this is not a database, not at all"), 0o600))
	require.Equal(t, Failure, examineDatabase(t.Context(), p.Database)[0].Status)
}

func TestTheDoctorLooksAtTheClock(t *testing.T) {
	t.Parallel()
	p := patient(t)
	require.Equal(t, Failure, examineClock(p.Database, time.Unix(0, 0)).Status)
	migrated(t, p)
	path := strings.TrimPrefix(p.Database, "sqlite:")
	later := time.Now().Add(time.Hour)
	require.NoError(t, os.Chtimes(path, later, later))
	require.Equal(t, Warning, examineClock(p.Database, time.Now()).Status)
}

func TestTheDoctorKnowsWhereBrowsersRecord(t *testing.T) {
	t.Parallel()
	for raw, status := range map[string]string{
		"http://localhost:8080": Fine, "http://127.0.0.1:8080": Fine, "http://x.localhost:8080": Fine, "https://video.example": Fine,
		"http://192.0.2.1:8080": Warning, "http://video.example": Warning,
	} {
		base, err := url.Parse(raw)
		require.NoError(t, err)
		require.Equal(t, status, examineBase(Patient{Base: base}).Status, raw)
	}
	require.Equal(t, Failure, examineBase(Patient{BaseErr: io.ErrUnexpectedEOF}).Status)
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
	require.Equal(t, Failure, examineAddr(t.Context(), Server{Addr: taken.Addr().String(), Scheme: "http"}).Status)
	require.NoError(t, taken.Close())
	<-closing

	ours := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"status":"ok"}`)) }))
	defer ours.Close()
	addr := strings.TrimPrefix(ours.URL, "http://")
	require.Eventually(t, func() bool { // who asks does not wait for long
		return examineAddr(t.Context(), Server{Addr: addr, Scheme: "http"}).Status == Fine
	}, testTime, time.Millisecond)
}

func TestHealthOfWhatIsNotWell(t *testing.T) {
	t.Parallel()
	sick := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"status":"ok"}`))
	}))
	defer sick.Close()
	addr := strings.TrimPrefix(sick.URL, "http://")
	require.Eventually(t, func() bool {
		err := AskHealth(t.Context(), Server{Addr: addr, Scheme: "http"})
		return err != nil && strings.Contains(err.Error(), "503")
	}, testTime, time.Millisecond)
	require.ErrorContains(t, AskHealth(t.Context(), Server{Addr: "127.0.0.1:0", Scheme: "http"}), "no port")
	require.Error(t, AskHealth(t.Context(), Server{Addr: "nonsense", Scheme: "http"}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, AskHealth(ctx, Server{Addr: addr, Scheme: "http"}))
}

func TestTheDoctorNeedsAFolderToWriteTo(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, path := range []string{file, filepath.Join(file, "below")} {
		require.Equal(t, Failure, examineFolder("data folder", path).Status, path)
	}
}
