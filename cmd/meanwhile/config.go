package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/cmd/meanwhile/doctor"
	"github.com/meanwhile-app/meanwhile/server/notify"
	"github.com/meanwhile-app/meanwhile/server/team"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/trace"
)

// Config is every setting. This file is the only reader of the environment.
type Config struct {
	Addr           string   `help:"Where to listen, host:port; port 0 takes a free one." default:"127.0.0.1:8080" env:"MEANWHILE_ADDR"`
	Data           string   `help:"Folder for everything that is kept." default:"./data" env:"MEANWHILE_DATA" type:"path"`
	DatabaseURL    string   `help:"Database: sqlite:PATH, or postgres://USER:PASSWORD@HOST/NAME for many servers. Default: a file in the data folder." env:"MEANWHILE_DATABASE_URL" name:"database-url"`
	ObjectsURL     string   `help:"Where media lies: a folder, or s3://bucket?endpoint=https://host&region=name. Default: a folder in the data folder." env:"MEANWHILE_OBJECTS_URL" name:"objects-url"`
	Delivery       string   `help:"How players get media out of S3: redirect sends them to the bucket with an address that is good for a minute, server passes everything through. Default: redirect." enum:",redirect,server" default:"" env:"MEANWHILE_OBJECTS_DELIVERY" name:"objects-delivery"`
	BaseURL        string   `help:"Where people reach the server, e.g. https://video.example.org. Default: the address it listens on." env:"MEANWHILE_BASE_URL" name:"base-url"`
	TrustedProxies []string `help:"Addresses or networks of reverse proxies whose X-Forwarded-For is believed." env:"MEANWHILE_TRUSTED_PROXIES"`
	RateFactor     float64  `help:"Makes the limits of requests wider (10) or narrower (0.5); 0 turns them off. Guesses at passwords stay limited." default:"1" env:"MEANWHILE_RATE_FACTOR" name:"rate-factor"`
	SMTPURL        string   `help:"Mail server: smtp://user:password@host:587 or smtps://…; ?starttls=optional or off where encryption is not needed. Default: none, and people are given links to pass on." env:"MEANWHILE_SMTP_URL" name:"smtp-url"`
	MailFrom       string   `help:"Sender of mails: Meanwhile <video@example.org>." env:"MEANWHILE_MAIL_FROM"`
	Workspaces     string   `help:"Who may make further workspaces: operators, or everyone who may record." enum:"operators,everyone" default:"operators" env:"MEANWHILE_WORKSPACES"`
	Quota          int64    `help:"Bytes that a workspace made by anybody but an operator holds, and the most that its admins may set; 0 is no bound." default:"0" env:"MEANWHILE_QUOTA"`
	WebhookPrivate []string `help:"Hosts, addresses or networks inside that webhooks may call, also by http; all others must be on the internet." env:"MEANWHILE_WEBHOOK_PRIVATE" name:"webhook-private"`
	OTLP           string   `help:"Where traces go, by OTLP over HTTP: http://collector:4318. Default: nowhere." env:"MEANWHILE_OTLP_ENDPOINT,OTEL_EXPORTER_OTLP_ENDPOINT" name:"otlp-endpoint"`
	Scratch        int64    `help:"Bytes of the data folder that converting media may take for a time; jobs wait while they are taken. 0 is 10 GiB." default:"0" env:"MEANWHILE_SCRATCH"`
	TLS            TLS      `embed:""`
	LogFormat      string   `help:"json or text." enum:"json,text" default:"json" env:"MEANWHILE_LOG_FORMAT"`
	LogLevel       string   `help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info" env:"MEANWHILE_LOG_LEVEL"`
	FFmpeg         string   `help:"The ffmpeg to run." default:"ffmpeg" env:"MEANWHILE_FFMPEG" name:"ffmpeg"`
	FFprobe        string   `help:"The ffprobe to run." default:"ffprobe" env:"MEANWHILE_FFPROBE" name:"ffprobe"`
	Sandbox        string   `help:"Sandbox for media: auto insists on landlock or seccomp, required on both, off starts without and warns." enum:"auto,required,off" default:"auto" env:"MEANWHILE_SANDBOX"`

	Drain time.Duration `help:"How long a server that is asked to stop goes on answering while /readyz says no, so that balancers notice. -1s is 5s with PostgreSQL and none with SQLite." default:"-1s" env:"MEANWHILE_DRAIN"`

	OIDC OIDCConfig `embed:"" prefix:"oidc-"`
	WHIP WHIPConfig `embed:"" prefix:"whip-"`
	S3   S3Config   `embed:"" prefix:"s3-"`
}

// S3Config are the keys to the bucket, by the names that AWS's own tools use.
// Without them the SDK looks where it usually does.
type S3Config struct {
	AccessKeyID     string `help:"Access key of the bucket." env:"AWS_ACCESS_KEY_ID" name:"access-key-id"`
	SecretAccessKey string `help:"Its secret." env:"AWS_SECRET_ACCESS_KEY" name:"secret-access-key"`
	SessionToken    string `help:"Its session, with temporary keys." env:"AWS_SESSION_TOKEN" name:"session-token"`
	Region          string `help:"Region of the bucket, where its address names none." env:"AWS_REGION,AWS_DEFAULT_REGION" name:"region"`
}

func (c S3Config) options() objects.Options {
	return objects.Options{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, Region: c.Region}
}

// readSecretFiles lets MEANWHILE_X_FILE name a file that holds MEANWHILE_X, as
// container platforms hand out secrets.
func readSecretFiles() error {
	for _, pair := range os.Environ() {
		name, path, _ := strings.Cut(pair, "=")
		target, ok := strings.CutSuffix(name, "_FILE")
		if !ok || path == "" || !strings.HasPrefix(name, "MEANWHILE_") && !awsSecret(target) {
			continue
		}
		value, err := []byte(path), error(nil)
		if target != "MEANWHILE_TLS_CERT" && target != "MEANWHILE_TLS_KEY" { // which name files themselves
			value, err = os.ReadFile(path)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.Setenv(target, strings.TrimSpace(string(value))); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// awsSecret says that a variable is one of AWS's that may come from a file. Its
// own variables that end in _FILE mean other things.
func awsSecret(name string) bool {
	return name == "AWS_ACCESS_KEY_ID" || name == "AWS_SECRET_ACCESS_KEY" || name == "AWS_SESSION_TOKEN"
}

// database is the address of the database.
func (c *Config) database() string {
	if c.DatabaseURL != "" {
		return c.DatabaseURL
	}
	return "sqlite:" + filepath.Join(c.Data, "meanwhile.db")
}

// objects is where the media lies: a folder, or the address of a bucket.
func (c *Config) objects() (string, error) {
	if c.ObjectsURL == "" {
		return filepath.Join(c.Data, "objects"), nil
	}
	if folder, ok := objects.FolderPath(c.ObjectsURL); ok {
		return folder, nil
	}
	if err := objects.Check(c.ObjectsURL); err != nil {
		return "", fmt.Errorf("MEANWHILE_OBJECTS_URL: %w", err)
	}
	return c.ObjectsURL, nil
}

// base is where people reach a server that listens on addr.
func (c *Config) base(addr net.Addr) (*url.URL, error) {
	if c.BaseURL != "" {
		u, err := url.Parse(strings.TrimSuffix(c.BaseURL, "/"))
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || *u != (url.URL{Scheme: u.Scheme, Host: u.Host}) {
			return nil, errors.New("MEANWHILE_BASE_URL is not an address like https://video.example.org, without a path or anything else behind the host")
		}
		return u, nil
	}
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); ip != nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		host = "localhost" // which browsers trust with a camera, without TLS
	}
	return &url.URL{Scheme: c.TLS.scheme(), Host: net.JoinHostPort(host, port)}, nil
}

// workspaces says who may make further ones.
func (c *Config) workspaces() team.Rules {
	return team.Rules{Everyone: c.Workspaces == "everyone", QuotaBytes: max(0, c.Quota)}
}

// mail sends letters, if a mail server is set.
func (c *Config) mail(base *url.URL, sources map[string]notify.Source, log *slog.Logger) (*notify.Notify, error) {
	return notify.New(notify.Options{SMTP: c.SMTPURL, From: c.MailFrom, BaseURL: base, Sources: sources, Log: log})
}

// logger writes structured lines to standard error.
func (c *Config) logger() *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo // kong has checked it
	}
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "text" {
		return slog.New(trace.Logs(slog.NewTextHandler(os.Stderr, options)))
	}
	return slog.New(trace.Logs(slog.NewJSONHandler(os.Stderr, options)))
}

// text is an address that nobody listens on.
type text string

// Network implements net.Addr.
func (text) Network() string { return "tcp" }

// String implements net.Addr.
func (t text) String() string { return string(t) }

// listens is the server of these settings, as others on this machine reach it.
func (c *Config) listens() doctor.Server {
	s := doctor.Server{Addr: c.Addr, Scheme: c.TLS.scheme()}
	if base, err := c.base(text(c.Addr)); err == nil && base.Scheme == "https" {
		s.Name = base.Hostname()
	}
	return s
}

// patient is what the doctor looks at.
func (c *Config) patient() doctor.Patient {
	p := doctor.Patient{
		FFmpeg: c.FFmpeg, FFprobe: c.FFprobe, Sandbox: c.Sandbox, Scratch: c.scratch(), Data: c.Data, Database: c.database(),
		Exposed: exposed(c), TLS: examineTLS(c, time.Now()), Server: c.listens(),
	}
	address := c.Addr
	if _, _, err := net.SplitHostPort(address); err != nil {
		address = "127.0.0.1:0"
	}
	p.Base, p.BaseErr = c.base(text(address))
	base := p.Base
	if base == nil {
		base = &url.URL{Scheme: "http", Host: "localhost"} // which is complained of elsewhere
	}
	p.Mail, p.MailErr = c.mail(base, nil, slog.New(slog.DiscardHandler))
	media, err := c.objects()
	p.Media, p.MediaErr = media, err
	if _, ok := objects.FolderPath(media); !ok {
		p.Media = ""
	}
	return p
}
