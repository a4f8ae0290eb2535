package catalog

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/uptrace/bun"
	"golang.org/x/text/unicode/norm"

	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
	"github.com/meanwhile-app/meanwhile/storage/trace"
	"github.com/meanwhile-app/meanwhile/storage/webhook"
)

// State is where a video stands between the first byte and the last rung.
type State string

// The states of a video. Only Failed means that a person must act, and even
// then the source plays if browsers can read it.
const (
	Recording  State = "recording"
	Processing State = "processing"
	Ready      State = "ready"
	Failed     State = "failed"
)

// Visibility is who may watch a video besides its owner.
type Visibility string

// The visibilities: nobody; the people who were named; its workspace, and who
// was named; whoever has the link. Share links let people in at all of them but
// the first.
const (
	Private   Visibility = "private"
	NamedOnly Visibility = "people"
	InTeam    Visibility = "workspace"
	WithLink  Visibility = "link"
)

// narrower says whether fewer people may watch than at another visibility.
func (v Visibility) narrower(than Visibility) bool {
	order := []Visibility{Private, NamedOnly, InTeam, WithLink}
	return slices.Index(order, v) < slices.Index(order, than)
}

// Stills are the pictures made from a video; empty keys are not made yet.
type Stills struct {
	Poster     string `json:"poster,omitempty"`
	Preview    string `json:"preview,omitempty"`
	Storyboard string `json:"storyboard,omitempty"`
	// Geometry of the storyboard: Columns × Rows tiles of TileWidth ×
	// TileHeight pixels, one every Interval; Tiles of them are filled.
	Columns    int           `json:"columns,omitempty"`
	Tiles      int           `json:"tiles,omitempty"`
	TileWidth  int           `json:"tile_width,omitempty"`
	TileHeight int           `json:"tile_height,omitempty"`
	Interval   time.Duration `json:"interval_ns,omitempty"`
}

// Video is one recording or imported file.
type Video struct {
	bun.BaseModel `bun:"table:videos,alias:video"`

	ID          string     `bun:"id,pk"`
	Slug        string     `bun:"slug"`
	WorkspaceID string     `bun:"workspace_id,nullzero"`
	OwnerID     string     `bun:"owner_id"`
	OwnerName   string     `bun:"owner_name,scanonly"`
	Title       string     `bun:"title"`
	TitleFolded string     `bun:"title_folded"`
	Visibility  Visibility `bun:"visibility"`
	// What whoever has the link may do besides watching.
	GuestsMayComment  bool  `bun:"guests_may_comment"`
	GuestsMayDownload bool  `bun:"guests_may_download"`
	State             State `bun:"state"`
	// Reason is a sentence for the owner when State is Failed.
	Reason string `bun:"reason"`
	MIME   string `bun:"mime"`

	// What the index found: Header is the JSON of container.Header.
	Format     string `bun:"format"`
	Layout     string `bun:"layout"`
	Header     []byte `bun:"header"`
	Size       int64  `bun:"size"`
	DurationUS int64  `bun:"duration_us"`
	Width      int    `bun:"width"`
	Height     int    `bun:"height"`
	HasAudio   bool   `bun:"has_audio"`
	HasVideo   bool   `bun:"has_video"`
	WebSafe    bool   `bun:"web_safe"`

	// What the ladder did. Take counts how often a recording that had been
	// closed was continued; results of an earlier take are dropped.
	Take      int             `bun:"take"`
	Spans     int             `bun:"spans"`
	SpansDone int             `bun:"spans_done"`
	AudioDone bool            `bun:"audio_done"`
	StillsRaw json.RawMessage `bun:"stills,type:text"`

	Views     int          `bun:"views"`
	Comments  int          `bun:"comments"`
	CreatedAt time.Time    `bun:"created_at"`
	UpdatedAt time.Time    `bun:"updated_at"`
	TrashedAt bun.NullTime `bun:"trashed_at"`

	// CommentsVersion grows with every change to what was said, so that a list
	// of comments can be kept for as long as it stays the same.
	CommentsVersion int64 `bun:"comments_version"`

	// Epoch grows when somebody loses access: media grants of before are void.
	Epoch   int64        `bun:"epoch"`
	EpochAt bun.NullTime `bun:"epoch_at"`
	// StoredBytes is what its objects hold.
	StoredBytes int64 `bun:"stored_bytes"`
	// Stopped is the bound of the workspace at which its upload was ended, or "".
	Stopped people.Bound `bun:"stopped"`
	// ViewedAt is when it was last watched, to the hour or so; retention counts
	// from there. A video that is Kept stays for ever.
	ViewedAt bun.NullTime `bun:"viewed_at"`
	Kept     bool         `bun:"kept"`
	// WarnedAt is when its owner was told that retention will remove it, and
	// RemovalAt when it will.
	WarnedAt  bun.NullTime `bun:"warned_at"`
	RemovalAt bun.NullTime `bun:"removal_at"`

	// Named says that the account which asks was named for this video, and what
	// it may then do. Only queries that know who asks fill it in.
	Named            bool `bun:"named,scanonly"`
	NamedMayComment  bool `bun:"named_may_comment,scanonly"`
	NamedMayDownload bool `bun:"named_may_download,scanonly"`
	// Via is the share link that the one who asks came by; the gate sets it.
	Via *ShareLink `bun:"-"`

	// Traceparent is the trace in which it began (W3C), or "".
	Traceparent string `bun:"traceparent"`

	// UploadID and UploadState are those of the video's upload.
	UploadID    string      `bun:"upload_id,scanonly"`
	UploadState UploadState `bun:"upload_state,scanonly"`
	// UploadLength is the announced size of the upload, 0 while it is not known.
	UploadLength int64 `bun:"upload_length,scanonly"`
	// UploadReceived is how much of it there is.
	UploadReceived int64 `bun:"upload_received,scanonly"`

	// before is the state in which a transaction found it.
	before State
}

// Duration is how much can be watched.
func (v *Video) Duration() time.Duration { return time.Duration(v.DurationUS) * time.Microsecond }

// Stills are the pictures made so far.
func (v *Video) Stills() Stills {
	var s Stills
	_ = json.Unmarshal(v.StillsRaw, &s) // only SetStills writes it; a broken one means no pictures
	return s
}

// Trashed says whether the video lies in the trash.
func (v *Video) Trashed() bool { return !v.TrashedAt.IsZero() }

// Uploading says that a file of known size is on its way: nobody is recording.
func (v *Video) Uploading() bool { return v.State == Recording && v.UploadLength > 0 }

// Progress is the share of what goes on now that is done, from 0 to 1: of the
// file that arrives, then of the ladder that is made.
func (v *Video) Progress() float64 {
	if v.Uploading() {
		return float64(v.Size) / float64(v.UploadLength)
	}
	if v.State == Ready {
		return 1
	}
	total, done := v.Spans, v.SpansDone
	if v.HasAudio {
		total++
		if v.AudioDone {
			done++
		}
	}
	if total == 0 {
		return 0
	}
	return float64(done) / float64(total)
}

// NewVideo is what is known when a video begins.
type NewVideo struct {
	OwnerID string
	// WorkspaceID is where it belongs; "" is where its owner works now.
	WorkspaceID string
	Title       string
	MIME        string
	Visibility  Visibility
	// Length is the size of the whole upload in bytes, or -1 while it is not known.
	Length   int64
	Metadata map[string]string
	// MaxEmpty is how many uploads of the owner may be open without a byte; 0 is
	// no bound.
	MaxEmpty int
}

// StartVideo makes a video with its share link and its open upload, before the
// first byte. The link is valid from here on, whatever happens. Who may not
// record there gets people.ErrRole.
func (c *Catalog) StartVideo(ctx context.Context, n NewVideo) (*Video, error) {
	now := c.Now()
	if n.Title = strings.TrimSpace(n.Title); n.Title == "" {
		n.Title = "Recording of " + now.Format("2 January 2006, 15:04") + " UTC"
	}
	video := &Video{
		ID: record.NewID(), Slug: record.NewSlug(), OwnerID: n.OwnerID, WorkspaceID: n.WorkspaceID, GuestsMayDownload: true, Title: n.Title, TitleFolded: fold(n.Title),
		Visibility: n.Visibility, State: Recording, MIME: n.MIME, StillsRaw: json.RawMessage("{}"), CreatedAt: now, UpdatedAt: now,
		Traceparent: trace.Parent(ctx),
	}
	metadata, err := json.Marshal(n.Metadata)
	if err != nil {
		return nil, err
	}
	upload := &Upload{ID: record.NewID(), VideoID: video.ID, Metadata: metadata, State: UploadOpen, Checkpoint: json.RawMessage("{}"), CreatedAt: now, TouchedAt: now}
	if n.Length >= 0 {
		upload.Length = sql.NullInt64{Int64: n.Length, Valid: true}
	}
	id, err := c.Once(ctx, video.ID, func() error { return c.startVideo(ctx, video, upload, n) })
	if err != nil {
		return nil, err
	}
	return c.Video(ctx, id)
}

func (c *Catalog) startVideo(ctx context.Context, video *Video, upload *Upload, n NewVideo) error {
	return c.write(ctx, func(ctx context.Context, tx change) (err error) {
		if err := tx.Made(ctx, video.ID); err != nil {
			return err
		}
		if err := tx.roomForUpload(ctx, n); err != nil {
			return err
		}
		// Its owner may have been removed since the gate let the request in.
		if video.WorkspaceID, err = people.Place(ctx, tx.Change, n.OwnerID, n.WorkspaceID); err != nil {
			return err
		}
		if _, err := tx.NewInsert().Model(video).Exec(ctx); err != nil {
			return err
		}
		if err := people.Admit(ctx, tx.Change, video.WorkspaceID, n.Length); err != nil {
			return err
		}
		tx.Tell(record.Event{Kind: record.VideoChanged, VideoID: video.ID})
		if _, err := tx.NewInsert().Model(upload).Exec(ctx); err != nil {
			return err
		}
		if err := tx.emit(ctx, video, webhook.Event{Kind: webhook.VideoCreated}); err != nil {
			return err
		}
		return tx.audit(ctx, video, record.VideoCreated, nil)
	})
}

// openUploads is how many uploads of one account may be open at once: far more
// than a person has, far fewer than a runaway script makes.
const openUploads = 1000

// ErrTooManyUploads says that an account has too many uploads that are open.
var ErrTooManyUploads = errors.New("too many open uploads")

func (t change) roomForUpload(ctx context.Context, n NewVideo) error {
	var open, empty int
	err := t.NewRaw(`SELECT count(*), coalesce(sum(CASE WHEN uploads.received = 0 THEN 1 ELSE 0 END), 0) FROM uploads JOIN videos ON videos.id = uploads.video_id
		WHERE uploads.state <> 'finished' AND uploads.state = 'open' AND videos.owner_id = ?`, n.OwnerID).Scan(ctx, &open, &empty)
	if err == nil && (open >= openUploads || n.MaxEmpty > 0 && empty >= n.MaxEmpty) {
		return ErrTooManyUploads
	}
	return err
}

// VideoChange lists what an owner may change; nil leaves a field as it is.
type VideoChange struct {
	Title             *string
	Visibility        *Visibility
	GuestsMayComment  *bool
	GuestsMayDownload *bool
	// Kept exempts it from retention.
	Kept *bool
}

// ChangeVideo changes a video's settings. If fewer people may watch, or guests
// may do less, media grants of before are void at once.
func (c *Catalog) ChangeVideo(ctx context.Context, id string, wanted VideoChange) (*Video, error) {
	err := c.write(ctx, func(ctx context.Context, tx change) error {
		before, err := tx.lockVideo(ctx, id)
		if err != nil {
			return err
		}
		if _, err := wanted.set(tx.NewUpdate().Table("videos").Set("updated_at = ?", c.Now())).Where("id = ?", id).Exec(ctx); err != nil {
			return err
		}
		if wanted.takes(before) {
			if err := tx.loseAccess(ctx, before); err != nil {
				return err
			}
		}
		tx.Tell(record.Event{Kind: record.VideoChanged, VideoID: id})
		return tx.auditChange(ctx, before, wanted)
	})
	if err != nil {
		return nil, err
	}
	return c.Video(ctx, id)
}

func (w VideoChange) set(q *bun.UpdateQuery) *bun.UpdateQuery {
	if t := w.Title; t != nil {
		q = q.Set("title = ?", *t).Set("title_folded = ?", fold(*t))
	}
	if v := w.Visibility; v != nil {
		q = q.Set("visibility = ?", *v)
	}
	if g := w.GuestsMayComment; g != nil {
		q = q.Set("guests_may_comment = ?", *g)
	}
	if g := w.GuestsMayDownload; g != nil {
		q = q.Set("guests_may_download = ?", *g)
	}
	if k := w.Kept; k != nil {
		q = q.Set("kept = ?", *k).Set("warned_at = NULL").Set("removal_at = NULL")
	}
	return q
}

// auditChange notes what a change of settings changes: who may watch by itself,
// for that is what people look for.
func (t change) auditChange(ctx context.Context, before *Video, w VideoChange) error {
	shared, edited := map[string]string{}, map[string]string{}
	if v := w.Visibility; v != nil && *v != before.Visibility {
		shared["visibility"] = string(before.Visibility) + " → " + string(*v)
	}
	if g := w.GuestsMayComment; g != nil && *g != before.GuestsMayComment {
		shared["guests_may_comment"] = strconv.FormatBool(*g)
	}
	if g := w.GuestsMayDownload; g != nil && *g != before.GuestsMayDownload {
		shared["guests_may_download"] = strconv.FormatBool(*g)
	}
	if title := w.Title; title != nil && *title != before.Title {
		edited["title"] = *title
	}
	if k := w.Kept; k != nil && *k != before.Kept {
		edited["kept"] = strconv.FormatBool(*k)
	}
	if len(shared) > 0 {
		if err := t.audit(ctx, before, record.VideoShared, shared); err != nil {
			return err
		}
	}
	if len(edited) > 0 {
		return t.audit(ctx, before, record.VideoEdited, edited)
	}
	return nil
}

// takes says whether somebody may do less than before.
func (w VideoChange) takes(before *Video) bool {
	return w.Visibility != nil && w.Visibility.narrower(before.Visibility) ||
		w.GuestsMayDownload != nil && !*w.GuestsMayDownload && before.GuestsMayDownload
}

// loseAccess voids the media grants of a video, and lets everybody who follows
// it find out whether they still may. The video is as it was before.
func (t change) loseAccess(ctx context.Context, before *Video) error {
	var epoch int64
	err := t.NewRaw("UPDATE videos SET epoch = epoch + 1, epoch_at = ? WHERE id = ? RETURNING epoch", t.Now(), before.ID).Scan(ctx, &epoch)
	if before.Visibility != Private { // of that one nobody else knew
		hidden := gone(record.VideoHidden, before)
		hidden.AccountID = "" // its owner does not lose it
		t.Tell(hidden)
	}
	t.Tell(record.Event{Kind: record.AccessLost, VideoID: before.ID, Epoch: epoch})
	return err
}

// fold makes text comparable: lower case, without accents. What SQL text cannot
// hold is dropped.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) || r == 0 {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(text))
}
