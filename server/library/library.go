// Package library is the owner's API: videos, their settings, the trash, and
// how a video is described to whoever may see it.
package library

import (
	"context"
	"net/url"
	"time"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// Ingest opens and closes uploads.
type Ingest interface {
	Start(ctx context.Context, n catalog.NewVideo) (*catalog.Video, error)
	Finish(ctx context.Context, uploadID string) error
}

// API answers the operations on videos.
type API struct {
	catalog *catalog.Catalog
	ingest  Ingest
	granter *access.Granter
	finder  *access.Finder
	base    *url.URL
	uploads string
	bucket  bool
}

// Options set up an API.
type Options struct {
	Catalog *catalog.Catalog
	Ingest  Ingest
	Granter *access.Granter
	Finder  *access.Finder
	// BaseURL is where people reach the server.
	BaseURL *url.URL
	// Uploads is the path below which uploads live.
	Uploads string
	// Bucket says that players fetch the ladder from a bucket by themselves.
	Bucket bool
}

// New makes an API.
func New(o Options) *API {
	return &API{bucket: o.Bucket, catalog: o.Catalog, ingest: o.Ingest, granter: o.Granter, finder: o.Finder, base: o.BaseURL, uploads: o.Uploads}
}

// VideoOwner is what everybody may know of a video's owner.
type VideoOwner struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// VideoRights tells what the one who asks may do.
type VideoRights struct {
	Edit     bool `json:"edit"`
	Comment  bool `json:"comment"`
	Download bool `json:"download"`
}

// Playback tells how to play a video now; a null address is not there yet. All
// addresses are relative to the server and lapse together.
type Playback struct {
	HLS         *string   `json:"hls" doc:"Master playlist"`
	Progressive *string   `json:"progressive" doc:"The recording as one seekable file"`
	Prefer      string    `json:"prefer" enum:"hls,progressive" doc:"Which of the two shows the first frame sooner"`
	Live        bool      `json:"live" doc:"The recording still runs"`
	Ladder      bool      `json:"ladder" doc:"The playlist offers the finished renditions"`
	Poster      *string   `json:"poster"`
	Storyboard  *string   `json:"storyboard" doc:"WebVTT with tiles for the seek bar"`
	Preview     *string   `json:"preview" doc:"Short animated picture"`
	Download    *string   `json:"download" doc:"The best file there is, to be saved"`
	ExpiresAt   time.Time `json:"expires_at"`
}

// Video is how a video is described to whoever may watch it.
type Video struct {
	ID                string      `json:"id"`
	Slug              string      `json:"slug"`
	Title             string      `json:"title"`
	State             string      `json:"state" enum:"recording,processing,ready,failed"`
	Reason            string      `json:"reason" doc:"Why it failed, for its owner"`
	Retryable         bool        `json:"retryable" doc:"It failed and may be tried again; for those who may edit"`
	StoppedBy         string      `json:"stopped_by" enum:",storage,size,length" doc:"The bound of the workspace that ended the upload before its end"`
	Kept              bool        `json:"kept" doc:"Retention leaves it alone"`
	RemovalAt         *time.Time  `json:"removal_at" doc:"When retention will put it into the trash unless somebody watches or keeps it; for those who may edit"`
	Uploading         bool        `json:"uploading" doc:"While recording: it is a file that is on its way"`
	Progress          float64     `json:"progress" minimum:"0" maximum:"1" doc:"Share of the file that has arrived, then of the renditions that are made"`
	DurationMS        int64       `json:"duration_ms"`
	SavedMS           int64       `json:"saved_ms" doc:"How much of a running recording is safe on the server"`
	SizeBytes         int64       `json:"size_bytes"`
	Width             int         `json:"width"`
	Height            int         `json:"height"`
	HasAudio          bool        `json:"has_audio"`
	HasVideo          bool        `json:"has_video"`
	Visibility        string      `json:"visibility" enum:"private,people,workspace,link"`
	GuestsMayComment  bool        `json:"guests_may_comment"`
	GuestsMayDownload bool        `json:"guests_may_download"`
	WorkspaceID       string      `json:"workspace_id"`
	Pass              *string     `json:"pass" doc:"For whoever came by a share link: goes into the Meanwhile-Pass header, or ?pass=, of every request about this video"`
	Owner             VideoOwner  `json:"owner"`
	CreatedAt         time.Time   `json:"created_at"`
	TrashedAt         *time.Time  `json:"trashed_at"`
	Views             int         `json:"views"`
	Comments          int         `json:"comments"`
	WatchURL          string      `json:"watch_url"`
	UploadURL         *string     `json:"upload_url" doc:"Where its bytes go, for its owner, while they may"`
	May               VideoRights `json:"may"`
	Playback          Playback    `json:"playback"`
}

// progressiveMost is the longest video whose one file shows its first frame
// sooner than a playlist: its sample tables must be loaded first, and they grow
// with it.
const progressiveMost = 10 * time.Minute

// Describe renders a video for a principal who may watch it.
func (a *API) Describe(p auth.Principal, v *catalog.Video) Video {
	rights := access.RightsOf(p, v)
	out := Video{
		ID: v.ID, Slug: v.Slug, Title: v.Title, State: string(v.State), Uploading: v.Uploading(), Progress: v.Progress(),
		DurationMS: v.Duration().Milliseconds(), SavedMS: v.Duration().Milliseconds(), SizeBytes: v.Size, Kept: v.Kept,
		Width: v.Width, Height: v.Height, HasAudio: v.HasAudio, HasVideo: v.HasVideo,
		Visibility: string(v.Visibility), GuestsMayComment: v.GuestsMayComment, GuestsMayDownload: v.GuestsMayDownload, WorkspaceID: v.WorkspaceID,
		Owner: VideoOwner{ID: v.OwnerID, Name: v.OwnerName}, CreatedAt: v.CreatedAt.UTC(), Views: v.Views, Comments: v.Comments,
		WatchURL: a.base.JoinPath("v", v.Slug).String(), Playback: a.playback(p, v, rights),
		May: VideoRights{Edit: rights.Edit, Comment: rights.Comment, Download: rights.Download},
	}
	if v.Via != nil {
		// Its own address may be open to fewer or more: who came by a link keeps to it.
		out.Slug, out.WatchURL, out.Pass = v.Via.Slug, a.base.JoinPath("v", v.Via.Slug).String(), new(a.finder.Pass(v.Via, p.GuestHash))
	}
	if v.Trashed() {
		at := v.TrashedAt.UTC()
		out.TrashedAt = &at
	}
	if rights.Edit {
		out.Reason, out.Retryable, out.StoppedBy = v.Reason, v.Retryable(), string(v.Stopped)
		if !v.RemovalAt.IsZero() {
			out.RemovalAt = new(v.RemovalAt.UTC())
		}
		if v.UploadState != catalog.UploadFinished {
			out.UploadURL = new(a.uploads + "/" + v.UploadID)
		}
	}
	return out
}

func (a *API) playback(p auth.Principal, v *catalog.Video, rights access.Rights) Playback {
	grant, lapses := a.granter.Grant(p, v)
	at := func(there bool, name string) *string {
		if !there {
			return nil
		}
		return new("/media/" + grant + "/" + v.ID + "/" + name)
	}
	stills, live := v.Stills(), v.State == catalog.Recording
	fragmented := v.Layout == "fragmented" && v.DurationUS > 0
	whole := !live && v.WebSafe && (fragmented || v.Layout == "plain")
	ladder := v.State == catalog.Ready
	// A ladder that still grows is for what cannot be watched otherwise: it ends
	// before the recording does.
	stream := ladder || fragmented && v.Format == "mp4" && v.WebSafe || v.SpansDone > 0 && !whole
	out := Playback{
		HLS: at(stream, "master.m3u8"), Progressive: at(whole, "progressive"), Prefer: "hls", Live: live, Ladder: ladder,
		Poster: at(stills.Poster != "", "poster.jpg"), Preview: at(stills.Preview != "", "preview.webp"),
		Storyboard: at(stills.Storyboard != "", "storyboard.vtt"), Download: at(v.Size > 0 && !live && rights.Download, "download"),
		ExpiresAt: lapses.UTC(),
	}
	// One file is put together here; what lies in a bucket spares this server its bytes.
	if whole && (!stream || v.Duration() <= progressiveMost && (!ladder || !a.bucket)) {
		out.Prefer = "progressive"
	}
	return out
}
