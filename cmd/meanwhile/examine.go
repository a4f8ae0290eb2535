package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg"
)

// checkTime bounds a check of the database, which reads all of it.
const checkTime = 10 * time.Minute

// examine runs every check. None of them changes anything that is kept.
func examine(ctx context.Context, config *Config) []finding {
	found := examineFFmpeg(ctx, config)
	found = append(found, examineFolders(config)...)
	found = append(found, examineDatabase(ctx, config)...)
	found = append(found, examinePrivacy(config), examineClock(config, time.Now()), examineBase(config))
	found = append(found, examineTLS(config, time.Now())...)
	return append(found, examineMail(ctx, config), examineAddr(ctx, config))
}

func examineFFmpeg(ctx context.Context, config *Config) []finding {
	contained, box := examineSandbox(ctx, config)
	r := &ffmpeg.Runner{FFmpeg: config.FFmpeg, FFprobe: config.FFprobe, Logger: slog.New(slog.DiscardHandler), Sandbox: box}
	build, err := r.Inspect(ctx)
	if err != nil {
		const advice = "Install ffmpeg with ffprobe (Debian, Ubuntu: apt install ffmpeg; macOS: brew install ffmpeg), or name them with MEANWHILE_FFMPEG and MEANWHILE_FFPROBE."
		return []finding{contained, {"ffmpeg", failure, err.Error(), advice}}
	}
	version := finding{Name: "ffmpeg", Status: fine, Detail: build.Version}
	if build.ProbeVersion != build.Version {
		version.Status, version.Detail = warning, "ffmpeg "+build.Version+", ffprobe "+build.ProbeVersion
		version.Advice = "Use both programs from one installation."
	}
	return []finding{version, examineCodecs(build), contained}
}

// examineCodecs asks for what the ladder and the pictures are made with, and for
// what browsers record.
func examineCodecs(build *ffmpeg.Build) finding {
	lacks := func(has map[string]bool, names ...string) []string {
		var missing []string
		for _, name := range names {
			if !has[name] {
				missing = append(missing, name)
			}
		}
		return missing
	}
	vital := append(lacks(build.Encoders, "libx264", "aac", "mjpeg"), lacks(build.Decoders, "h264", "vp8", "vp9", "opus", "aac")...)
	useful := append(lacks(build.Encoders, "libwebp_anim"), lacks(build.Decoders, "hevc", "vorbis", "mp3", "flac", "mpeg4")...)
	if !build.Decoders["libdav1d"] && !build.Decoders["av1"] {
		useful = append(useful, "av1")
	}
	const advice = "Install a full build of ffmpeg; Debian's and Ubuntu's package has all of them."
	switch {
	case len(vital) > 0:
		return finding{"codecs", failure, "ffmpeg lacks " + strings.Join(append(vital, useful...), ", "), advice}
	case len(useful) > 0:
		return finding{"codecs", warning, "ffmpeg lacks " + strings.Join(useful, ", "), advice + " Without them some imports and previews fail."}
	}
	return finding{Name: "codecs", Status: fine, Detail: "all that Meanwhile uses"}
}

// Least room for recordings: below one of these it is time to act.
const (
	leastRoom  = 1 << 30
	leastShare = 5 // percent
)

func examineFolders(config *Config) []finding {
	objects, err := config.objects()
	if err != nil {
		return []finding{{"data folder", failure, err.Error(), "Correct the setting."}}
	}
	found := []finding{examineFolder("data folder", config.Data)}
	if filepath.Dir(objects) != filepath.Clean(config.Data) {
		found = append(found, examineFolder("media folder", objects))
	}
	return append(found, examineRoom(objects))
}

// examineFolder writes a file into a folder, or into the one it would be made in.
func examineFolder(name, path string) finding {
	there, err := nearest(path)
	if err == nil {
		var probe *os.File
		if probe, err = os.CreateTemp(there, ".meanwhile-doctor-*"); err == nil {
			err = errors.Join(probe.Close(), os.Remove(probe.Name()))
		}
	}
	if err != nil {
		return finding{name, failure, err.Error(), "Let the user that runs Meanwhile write there, or choose another folder with MEANWHILE_DATA."}
	}
	if there != filepath.Clean(path) {
		return finding{Name: name, Status: fine, Detail: path + " (the first start makes it)"}
	}
	return finding{Name: name, Status: fine, Detail: path}
}

// nearest is the folder itself, or the closest one above that exists.
func nearest(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	for {
		info, err := os.Stat(path)
		if err == nil && !info.IsDir() {
			return "", fmt.Errorf("%s is not a folder", path)
		}
		if !errors.Is(err, fs.ErrNotExist) || path == filepath.Dir(path) {
			return path, err
		}
		path = filepath.Dir(path)
	}
}

func examineRoom(path string) finding {
	there, err := nearest(path)
	var disk syscall.Statfs_t
	if err == nil {
		err = syscall.Statfs(there, &disk)
	}
	if err != nil {
		return finding{"disk", warning, err.Error(), "Meanwhile could not find out how much room there is."}
	}
	free, all := disk.Bavail*uint64(disk.Bsize), disk.Blocks*uint64(disk.Bsize)
	detail := fmt.Sprintf("%.1f GiB of %.1f GiB free", float64(free)/(1<<30), float64(all)/(1<<30))
	if free < leastRoom || free*100 < all*leastShare {
		return finding{"disk", warning, detail, "Make room or move MEANWHILE_DATA to a larger disk: an hour of recording takes about 1 GiB, its renditions as much again."}
	}
	return finding{Name: "disk", Status: fine, Detail: detail}
}

func examineDatabase(ctx context.Context, config *Config) []finding {
	path, ok := strings.CutPrefix(config.database(), "sqlite:")
	if ok {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return []finding{{Name: "database", Status: fine, Detail: "none yet; the first start makes it"}}
		}
	}
	db, err := database.Open(ctx, config.database())
	if err != nil {
		return []finding{{"database", failure, err.Error(), "If the file is damaged, restore it from a backup."}}
	}
	defer db.Close()
	return []finding{examineSchema(ctx, db), examineIntegrity(ctx, db)}
}

func examineSchema(ctx context.Context, db *database.DB) finding {
	current, latest, err := db.SchemaVersion(ctx)
	switch {
	case err != nil:
		return finding{"schema", failure, err.Error(), "If the file is damaged, restore it from a backup."}
	case current > latest:
		return finding{"schema", failure, fmt.Sprintf("version %d, this release knows %d", current, latest), database.ErrNewerSchema.Error()}
	case current < latest:
		return finding{"schema", warning, fmt.Sprintf("version %d, this release has %d", current, latest), "The next start migrates it; make a backup first."}
	}
	return finding{Name: "schema", Status: fine, Detail: fmt.Sprintf("version %d", current)}
}

func examineIntegrity(ctx context.Context, db *database.DB) finding {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	if err := db.Check(ctx); err != nil {
		return finding{"database", failure, err.Error(), "Stop the server, keep a copy of the file, and restore the last good backup."}
	}
	return finding{Name: "database", Status: fine, Detail: "whole"}
}

// examineClock compares the clock with what is known: this release is not older
// than its files, and the database was not written tomorrow.
func examineClock(config *Config, now time.Time) finding {
	const advice = "Set the clock and keep it right (systemd-timesyncd, chrony): sessions, invitations and media addresses lapse by it."
	detail := now.UTC().Format(time.RFC3339)
	if now.Year() < 2026 || now.Year() > 2100 {
		return finding{"clock", failure, detail, advice}
	}
	if path, ok := strings.CutPrefix(config.database(), "sqlite:"); ok {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(now.Add(time.Minute)) {
			return finding{"clock", warning, detail + ", but the database was written at " + info.ModTime().UTC().Format(time.RFC3339), advice}
		}
	}
	return finding{Name: "clock", Status: fine, Detail: detail}
}

// examineBase asks whether browsers will record there: they open cameras and
// screens only on secure origins (https://www.w3.org/TR/secure-contexts/).
func examineBase(config *Config) finding {
	const advice = "Turn TLS on (MEANWHILE_TLS) or put a reverse proxy with TLS in front, and set MEANWHILE_BASE_URL=https://…: browsers open camera, microphone and screen only on https or localhost."
	listener := "127.0.0.1:0"
	if host, port, err := net.SplitHostPort(config.Addr); err == nil {
		listener = net.JoinHostPort(host, port)
	}
	base, err := config.base(text(listener))
	if err != nil {
		return finding{"base URL", failure, err.Error(), "Correct MEANWHILE_BASE_URL."}
	}
	if base.Scheme == "https" || local(base) {
		return finding{Name: "base URL", Status: fine, Detail: base.String()}
	}
	return finding{"base URL", warning, base.String(), advice}
}

// mailTime is how long a mail server may take to let the doctor in.
const mailTime = 20 * time.Second

// examineMail signs in to the mail server and sends nothing.
func examineMail(ctx context.Context, config *Config) finding {
	if config.SMTPURL == "" {
		return finding{Name: "mail", Status: fine, Detail: "no mail server is set; invitations are links to pass on"}
	}
	base, err := config.base(text(config.Addr))
	if err != nil {
		base = &url.URL{Scheme: "http", Host: "localhost"} // examineBase complains
	}
	post, err := config.mail(base, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return finding{"mail", failure, err.Error(), "Correct the setting."}
	}
	ctx, cancel := context.WithTimeout(ctx, mailTime)
	defer cancel()
	if err := post.Check(ctx); err != nil {
		return finding{"mail", failure, err.Error(), "Correct MEANWHILE_SMTP_URL, or ask whoever runs the mail server. Until then mails wait and are tried again for a day."}
	}
	return finding{Name: "mail", Status: fine, Detail: post.Server() + " lets Meanwhile in"}
}

func local(base *url.URL) bool {
	host := base.Hostname()
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// text is an address that nobody listens on.
type text string

// Network implements net.Addr.
func (text) Network() string { return "tcp" }

// String implements net.Addr.
func (t text) String() string { return string(t) }

// examineAddr asks whether a server could listen, or does already.
func examineAddr(ctx context.Context, config *Config) finding {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", config.Addr)
	if err == nil {
		if err := listener.Close(); err != nil {
			return finding{"address", warning, err.Error(), ""}
		}
		return finding{Name: "address", Status: fine, Detail: config.Addr + " is free"}
	}
	if askHealth(ctx, config) == nil {
		return finding{Name: "address", Status: fine, Detail: "a Meanwhile server answers on " + config.Addr}
	}
	return finding{"address", failure, err.Error(), "Stop what listens there, or choose another address with MEANWHILE_ADDR."}
}
