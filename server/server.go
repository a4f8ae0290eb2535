// Package server joins everything that speaks HTTP: one engine, one table of
// routes, one gate in front of them.
package server

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/account"
	"github.com/meanwhile-app/meanwhile/server/admin"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/health"
	"github.com/meanwhile-app/meanwhile/server/ingest"
	"github.com/meanwhile-app/meanwhile/server/library"
	"github.com/meanwhile-app/meanwhile/server/limit"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/server/share"
	"github.com/meanwhile-app/meanwhile/server/shield"
	"github.com/meanwhile-app/meanwhile/server/site"
	"github.com/meanwhile-app/meanwhile/server/talk"
	"github.com/meanwhile-app/meanwhile/server/team"
	"github.com/meanwhile-app/meanwhile/server/watch"
	"github.com/meanwhile-app/meanwhile/server/webhook"
	"github.com/meanwhile-app/meanwhile/server/whip"
	"github.com/meanwhile-app/meanwhile/storage/backup/missing"
	"github.com/meanwhile-app/meanwhile/storage/budget"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/census"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
	"github.com/meanwhile-app/meanwhile/storage/trace"
	hooks "github.com/meanwhile-app/meanwhile/storage/webhook"
)

// Options are all that a server stands on.
type Options struct {
	Catalog *catalog.Catalog
	Objects objects.Store
	// Bucket, if it is set, is where players are sent for media.
	Bucket objects.Presigner
	Log    *slog.Logger
	// Files are the built pages; they may be missing.
	Files fs.FS
	// Queue and Census tell operators what waits, runs and is held.
	Queue  *jobs.Queue
	Census *census.Census
	// Machine is what only this process knows of itself.
	Machine admin.Machine
	// Meter are the numbers of this process.
	Meter *health.Meter
	// Tracer follows videos on their way; nil follows none.
	Tracer *trace.Tracer
	// BaseURL is where people reach the server.
	BaseURL *url.URL
	// Named says that the operator has set BaseURL, so that requests by other
	// names are not meant for this server.
	Named bool
	// GrantKey signs media addresses.
	GrantKey []byte
	Version  string
	// TrustedProxies are believed when they say whom they speak for.
	TrustedProxies []string
	// Mail says that letters can be sent.
	Mail bool
	// Warnings are sentences for operators, on every page.
	Warnings []string
	// Room refuses new uploads when the disk is nearly full.
	Room func() error
	// Budget is where all servers count requests and guesses together.
	Budget *budget.Store
	// Pace makes the limits of requests wider or narrower; 0 turns them off. nil
	// means 1. Guesses at passwords are not affected.
	Pace *float64
	// OIDC is another service by which people sign in, if there is one.
	OIDC *auth.OIDC
	// Workspaces says who may make further workspaces, and how large.
	Workspaces team.Rules
	// Webhooks decides which addresses admins may have called.
	Webhooks *webhook.Guard
	// WHIP takes recordings over WebRTC; without a Network it is switched off.
	WHIP whip.Options
}

// Server is the HTTP side of Meanwhile.
type Server struct {
	engine *gin.Engine
	// needs is what each route declares, by method, a space and path.
	needs map[string]access.Need
	api   huma.API
	// Ingest is shared with the job that closes silent uploads.
	Ingest *ingest.Ingest

	records *catalog.Catalog
	whip    *whip.WHIP
	limits  *limit.Limiter
	shield  *shield.Shield
	auth    *auth.Auth
	account *account.API
	library *library.API
	share   *share.API
	talk    *talk.API
	feed    *talk.Feed
	watch   *watch.Watch
	site    *site.Site
	health  *health.Health
	admin   *admin.API
	tracer  *trace.Tracer
	meter   *health.Meter
	losses  *access.Losses
	team    *team.API
	webhook *webhook.API
	// downloads notes who saved which file.
	downloads *team.Downloads
	stopped   context.CancelFunc
}

// New joins the parts. Nothing listens yet.
func New(o Options) (*Server, error) {
	gin.SetMode(gin.ReleaseMode) // its other mode prints every route
	s := &Server{engine: gin.New(), records: o.Catalog, tracer: o.Tracer, meter: o.Meter}
	if s.meter == nil {
		s.meter = health.NewMeter(o.Version)
	}
	s.engine.HandleMethodNotAllowed = true
	s.engine.RedirectTrailingSlash = false // it answers before any middleware, and believes X-Forwarded-Prefix
	s.engine.ContextWithFallback = true
	if err := s.engine.SetTrustedProxies(o.TrustedProxies); err != nil {
		return nil, err
	}
	granter, finder := access.NewGranter(o.GrantKey, o.Catalog.Now), access.NewFinder(o.Catalog, o.GrantKey, o.Catalog.Now)
	s.losses = granter.Losses()
	if err := s.join(o, granter, finder); err != nil {
		return nil, err
	}
	s.api = humagin.New(s.engine, apiConfig(o.Version))
	if err := s.mount(o, granter, finder); err != nil {
		return nil, err
	}
	return s, nil
}

// origin is where players are sent for media, if they are.
func origin(bucket objects.Presigner) string {
	if bucket == nil {
		return ""
	}
	return bucket.Origin()
}

// join makes the parts that answer.
func (s *Server) join(o Options, granter *access.Granter, finder *access.Finder) error {
	s.shield = shield.New(shield.Options{BaseURL: o.BaseURL, Named: o.Named, Media: origin(o.Bucket)})
	var err error
	s.limits = limit.New(limit.Options{Now: o.Catalog.Now, Store: o.Budget, Log: o.Log, Secret: o.GrantKey, Factor: o.Pace})
	hasher := auth.NewHasher()
	s.auth, err = auth.New(auth.Options{Now: o.Catalog.Now, Catalog: o.Catalog, Hasher: hasher, Limits: s.limits, BaseURL: o.BaseURL, Version: o.Version, Mail: o.Mail, Warnings: o.Warnings, OIDC: o.OIDC, Log: o.Log})
	if err != nil {
		return err
	}
	s.account = account.New(account.Options{Now: o.Catalog.Now, Catalog: o.Catalog, Auth: s.auth, BaseURL: o.BaseURL, Mail: o.Mail})
	s.Ingest = ingest.New(ingest.Options{Now: o.Catalog.Now, Catalog: o.Catalog, Objects: o.Objects, Log: o.Log, Room: o.Room, Kept: s.meter.Kept})
	s.whip = whip.New(s.overWebRTC(o))
	s.library = library.New(library.Options{Catalog: o.Catalog, Ingest: s.Ingest, Granter: granter, Finder: finder, BaseURL: o.BaseURL, Uploads: ingest.Path, Bucket: o.Bucket != nil})
	s.share = share.New(share.Options{
		Catalog: o.Catalog, Finder: finder, Auth: s.auth, Hasher: hasher, Limits: s.limits, BaseURL: o.BaseURL, Video: s.describeVideo, Mail: o.Mail, Log: o.Log,
	})
	s.watch = watch.New(o.Catalog, o.Objects, o.Log)
	s.watch.Redirect(o.Bucket)
	lost := missing.New(o.Catalog.DB, objects.Has(o.Objects), o.Catalog.Now)
	s.watch.Lost(lost.Look)
	s.team, s.downloads = team.New(o.Catalog, s.limits, o.Workspaces), team.NewDownloads(o.Catalog, o.Log)
	s.webhook = webhook.New(hooks.New(o.Catalog.Store), o.Webhooks)
	s.talk = talk.New(talk.Options{Now: o.Catalog.Now, Catalog: o.Catalog, Auth: s.auth, Secret: o.GrantKey})
	s.feed = talk.NewFeed(talk.FeedOptions{Catalog: o.Catalog, Finder: finder, Auth: s.auth, Losses: s.losses, Video: s.describeVideo, Log: o.Log})
	s.health = health.New(health.Options{Catalog: o.Catalog, Objects: o.Objects, Meter: s.meter, Queue: o.Queue, Census: o.Census, Followers: s.feed.Followers, Sessions: s.whip.Sessions, Local: local(o.BaseURL), Version: o.Version, Log: o.Log})
	s.admin = admin.New(admin.Options{Census: o.Census, Queue: o.Queue, Missing: lost, Video: o.Catalog.RetryVideo, Machine: o.Machine, Ready: s.health.Checks})
	s.site, err = site.New(site.Options{
		Files: o.Files, BaseURL: o.BaseURL, Shield: s.shield, Records: o.Catalog, Finder: finder, Video: s.describeVideo,
		Session: func(ctx context.Context) (any, error) { return s.auth.Describe(ctx) },
	})
	return err
}

// overWebRTC joins WHIP to the uploads, as which its recordings are kept.
func (s *Server) overWebRTC(o Options) whip.Options {
	w := o.WHIP
	w.BaseURL, w.Log = o.BaseURL, o.Log
	w.Alive, w.Elsewhere = s.mayRecord, s.recordsElsewhere
	w.Begin = func(ctx context.Context, title string) (whip.Recording, error) { return s.Ingest.Record(ctx, title) }
	return w
}

// mayRecord says whether a recording may go on: whoever began it may still record,
// and has not thrown it away.
func (s *Server) mayRecord(ctx context.Context, p auth.Principal, videoID string) (bool, error) {
	if alive, err := s.auth.Alive(ctx, p); !alive {
		return false, err
	}
	video, err := s.records.Video(ctx, videoID)
	if errors.Is(err, record.ErrNotFound) || err == nil && video.Trashed() {
		return false, nil
	}
	if err != nil || !s.losses.Outdated(p.Account) {
		return true, err
	}
	// It has lost rights, perhaps those in the workspace that it records for.
	account, err := s.records.Account(ctx, p.Account.ID)
	return account.RoleIn(p.Account.WorkspaceID).AtLeast(people.Member), err
}

// local says whether an address leads to this machine alone.
func local(base *url.URL) bool {
	ip := net.ParseIP(base.Hostname())
	return base.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// describeVideo renders a video for whoever asks.
func (s *Server) describeVideo(ctx context.Context, v *catalog.Video) (any, error) {
	return s.library.Describe(auth.From(ctx), v), nil
}

// Start reads who lost access lately and keeps up with it until the server
// stops. A server that listens has been started.
func (s *Server) Start(ctx context.Context, records *catalog.Catalog, log *slog.Logger) error {
	if err := errors.Join(records.SyncClock(ctx), s.losses.Load(ctx, records)); err != nil {
		return err
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stopped = stop
	go s.records.Relay(following)
	go s.losses.Follow(following, records, log)
	go s.downloads.Run(following)
	go s.endRecordings(following)
	if s.health.Census != nil {
		go s.meter.Share(following, s.health.Census, log)
	}
	return nil
}

// Leave makes the server not ready, so that balancers send nothing new to it, and
// refuses what would last: new uploads. All else is answered until Stop.
func (s *Server) Leave() {
	s.health.Stop()
	s.Ingest.Leave()
}

// Stop ends what would last for ever: event streams, uploads, which keep what came,
// and recordings over WebRTC, which become videos; requests that run go on.
func (s *Server) Stop() {
	s.Leave()
	s.Ingest.Stop()
	s.feed.Stop()
	s.whip.Stop()
	if s.stopped != nil {
		s.stopped()
	}
}

// mount puts the gate in front of every route of the table.
func (s *Server) mount(o Options, granter *access.Granter, finder *access.Finder) error {
	table, err := s.routes()
	if err != nil {
		return err
	}
	s.needs = make(map[string]access.Need, len(table))
	for _, r := range table {
		key := r.method + " " + ginPath(r.path)
		if _, twice := s.needs[key]; twice {
			return errors.New("server: two routes for " + key)
		}
		s.needs[key] = r.need
	}
	gate := access.NewGate(finder, granter, s.needs, o.Log)
	s.engine.Use(unheard, s.health.Observe, named, reply.Middleware(o.Log), s.shield.Handle, s.identify(s.needs), s.pace(table), gate.Handle, s.trace(), s.once)
	s.engine.NoRoute(reply.Handle(s.site.Absent))
	s.engine.NoMethod(reply.Handle(func(*gin.Context) error { return reply.Method }))
	for _, r := range table {
		r.register(s)
	}
	return nil
}

// identify asks who it is, but not for media: grants open those without a query.
func (s *Server) identify(needs map[string]access.Need) gin.HandlerFunc {
	known := s.auth.Middleware()
	return func(c *gin.Context) {
		if needs[c.Request.Method+" "+c.FullPath()].Names == access.Media {
			return
		}
		known(c)
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// OpenAPI is the description of the API.
func (s *Server) OpenAPI() ([]byte, error) { return s.api.OpenAPI().MarshalJSON() }

func apiConfig(version string) huma.Config {
	config := reply.Config("Meanwhile", version)
	config.Info.Description = "Self-hosted asynchronous video messaging. Sign in with a session cookie or an API token (Authorization: Bearer)."
	config.OpenAPIPath, config.DocsPath = "", ""
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":   {Type: "http", Scheme: "bearer", Description: "An API token, from the settings page or `meanwhile token add`"},
		"session": {Type: "apiKey", In: "cookie", Name: "meanwhile_session"},
	}
	config.Security = []map[string][]string{{"token": {}}, {"session": {}}}
	return config
}
