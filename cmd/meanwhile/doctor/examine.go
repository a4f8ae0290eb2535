package doctor

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

func examineFFmpeg(ctx context.Context, p Patient) []Finding {
	contained, box := ExamineSandbox(ctx, p)
	r := &ffmpeg.Runner{FFmpeg: p.FFmpeg, FFprobe: p.FFprobe, Logger: slog.New(slog.DiscardHandler), Sandbox: box}
	build, err := r.Inspect(ctx)
	if err != nil {
		const advice = "Install ffmpeg with ffprobe (Debian, Ubuntu: apt install ffmpeg; macOS: brew install ffmpeg), or name them with MEANWHILE_FFMPEG and MEANWHILE_FFPROBE."
		return []Finding{contained, {"ffmpeg", Failure, err.Error(), advice}}
	}
	version := Finding{Name: "ffmpeg", Status: Fine, Detail: build.Version}
	if build.ProbeVersion != build.Version {
		version.Status, version.Detail = Warning, "ffmpeg "+build.Version+", ffprobe "+build.ProbeVersion
		version.Advice = "Use both programs from one installation."
	}
	return []Finding{version, examineCodecs(build), contained}
}

// examineCodecs asks for what the ladder and the pictures are made with, and for
// what browsers record.
func examineCodecs(build *ffmpeg.Build) Finding {
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
		return Finding{"codecs", Failure, "ffmpeg lacks " + strings.Join(append(vital, useful...), ", "), advice}
	case len(useful) > 0:
		return Finding{"codecs", Warning, "ffmpeg lacks " + strings.Join(useful, ", "), advice + " Without them some imports and previews fail."}
	}
	return Finding{Name: "codecs", Status: Fine, Detail: "all that Meanwhile uses"}
}

// Least room for recordings: below one of these it is time to act.
const (
	leastRoom  = 1 << 30
	leastShare = 5 // percent
)

func examineFolders(p Patient) []Finding {
	found := []Finding{examineFolder("data folder", p.Data)}
	if p.MediaErr != nil {
		return append(found, Finding{"media", Failure, p.MediaErr.Error(), "Correct MEANWHILE_OBJECTS_URL."})
	}
	if p.Media == "" {
		return append(found, examineRoom(p.Data))
	}
	if filepath.Dir(p.Media) != filepath.Clean(p.Data) {
		found = append(found, examineFolder("media folder", p.Media))
	}
	return append(found, examineRoom(p.Media))
}

// examineFolder writes a file into a folder, or into the one it would be made in.
func examineFolder(name, path string) Finding {
	there, err := nearest(path)
	if err == nil {
		var probe *os.File
		if probe, err = os.CreateTemp(there, ".meanwhile-doctor-*"); err == nil {
			err = errors.Join(probe.Close(), os.Remove(probe.Name()))
		}
	}
	if err != nil {
		return Finding{name, Failure, err.Error(), "Let the user that runs Meanwhile write there, or choose another folder with MEANWHILE_DATA."}
	}
	if there != filepath.Clean(path) {
		return Finding{Name: name, Status: Fine, Detail: path + " (the first start makes it)"}
	}
	return Finding{Name: name, Status: Fine, Detail: path}
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

func examineRoom(path string) Finding {
	there, err := nearest(path)
	var disk syscall.Statfs_t
	if err == nil {
		err = syscall.Statfs(there, &disk)
	}
	if err != nil {
		return Finding{"disk", Warning, err.Error(), "Meanwhile could not find out how much room there is."}
	}
	free, all := disk.Bavail*uint64(disk.Bsize), disk.Blocks*uint64(disk.Bsize)
	detail := fmt.Sprintf("%.1f GiB of %.1f GiB free", float64(free)/(1<<30), float64(all)/(1<<30))
	if free < leastRoom || free*100 < all*leastShare {
		return Finding{"disk", Warning, detail, "Make room or move MEANWHILE_DATA to a larger disk: an hour of recording takes about 1 GiB, its renditions as much again."}
	}
	return Finding{Name: "disk", Status: Fine, Detail: detail}
}

func examineDatabase(ctx context.Context, address string) []Finding {
	path, ok := strings.CutPrefix(address, "sqlite:")
	if ok {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return []Finding{{Name: "database", Status: Fine, Detail: "none yet; the first start makes it"}}
		}
	}
	db, err := database.Open(ctx, address)
	if err != nil {
		return []Finding{{"database", Failure, err.Error(), "If the file is damaged, restore it from a backup."}}
	}
	defer db.Close()
	return []Finding{examineSchema(ctx, db), examineIntegrity(ctx, db)}
}

func examineSchema(ctx context.Context, db *database.DB) Finding {
	current, latest, err := db.SchemaVersion(ctx)
	switch {
	case err != nil:
		return Finding{"schema", Failure, err.Error(), "If the file is damaged, restore it from a backup."}
	case current > latest:
		return Finding{"schema", Failure, fmt.Sprintf("version %d, this release knows %d", current, latest), database.ErrNewerSchema.Error()}
	case current < latest:
		return Finding{"schema", Warning, fmt.Sprintf("version %d, this release has %d", current, latest), "The next start migrates it; make a backup first."}
	}
	return Finding{Name: "schema", Status: Fine, Detail: fmt.Sprintf("version %d", current)}
}

func examineIntegrity(ctx context.Context, db *database.DB) Finding {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	if err := db.Check(ctx); err != nil {
		return Finding{"database", Failure, err.Error(), "Stop the server, keep a copy of the file, and restore the last good backup."}
	}
	return Finding{Name: "database", Status: Fine, Detail: "whole"}
}

// examineClock compares the clock with what is known: this release is not older
// than its files, and the database was not written tomorrow.
func examineClock(address string, now time.Time) Finding {
	const advice = "Set the clock and keep it right (systemd-timesyncd, chrony): sessions, invitations and media addresses lapse by it."
	detail := now.UTC().Format(time.RFC3339)
	if now.Year() < 2026 || now.Year() > 2100 {
		return Finding{"clock", Failure, detail, advice}
	}
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(now.Add(time.Minute)) {
			return Finding{"clock", Warning, detail + ", but the database was written at " + info.ModTime().UTC().Format(time.RFC3339), advice}
		}
	}
	return Finding{Name: "clock", Status: Fine, Detail: detail}
}

// examineBase asks whether browsers will record there: they open cameras and
// screens only on secure origins (https://www.w3.org/TR/secure-contexts/).
func examineBase(p Patient) Finding {
	const advice = "Turn TLS on (MEANWHILE_TLS) or put a reverse proxy with TLS in front, and set MEANWHILE_BASE_URL=https://…: browsers open camera, microphone and screen only on https or localhost."
	if p.BaseErr != nil {
		return Finding{"base URL", Failure, p.BaseErr.Error(), "Correct MEANWHILE_BASE_URL."}
	}
	if p.Base.Scheme == "https" || Local(p.Base) {
		return Finding{Name: "base URL", Status: Fine, Detail: p.Base.String()}
	}
	return Finding{"base URL", Warning, p.Base.String(), advice}
}

// mailTime is how long a mail server may take to let the doctor in.
const mailTime = 20 * time.Second

// examineMail signs in to the mail server and sends nothing.
func examineMail(ctx context.Context, p Patient) Finding {
	if p.MailErr != nil {
		return Finding{"mail", Failure, p.MailErr.Error(), "Correct the setting."}
	}
	if p.Mail == nil || !p.Mail.Configured() {
		return Finding{Name: "mail", Status: Fine, Detail: "no mail server is set; invitations are links to pass on"}
	}
	ctx, cancel := context.WithTimeout(ctx, mailTime)
	defer cancel()
	if err := p.Mail.Check(ctx); err != nil {
		return Finding{"mail", Failure, err.Error(), "Correct MEANWHILE_SMTP_URL, or ask whoever runs the mail server. Until then mails wait and are tried again for a day."}
	}
	return Finding{Name: "mail", Status: Fine, Detail: p.Mail.Server() + " lets Meanwhile in"}
}

// Local says whether an address leads to this machine, as browsers see it.
func Local(base *url.URL) bool {
	host := base.Hostname()
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// examineAddr asks whether a server could listen, or does already.
func examineAddr(ctx context.Context, s Server) Finding {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.Addr)
	if err == nil {
		if err := listener.Close(); err != nil {
			return Finding{"address", Warning, err.Error(), ""}
		}
		return Finding{Name: "address", Status: Fine, Detail: s.Addr + " is free"}
	}
	if AskHealth(ctx, s) == nil {
		return Finding{Name: "address", Status: Fine, Detail: "a Meanwhile server answers on " + s.Addr}
	}
	return Finding{"address", Failure, err.Error(), "Stop what listens there, or choose another address with MEANWHILE_ADDR."}
}
