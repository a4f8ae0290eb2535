package catalog

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// UploadState is where an upload stands.
type UploadState string

// The states of an upload. A quiet one was closed because nothing came for
// minutes; it can still be continued. A finished one cannot.
const (
	UploadOpen     UploadState = "open"
	UploadQuiet    UploadState = "quiet"
	UploadFinished UploadState = "finished"
)

// Upload is how the bytes of a video come in: a list of immutable parts whose
// total is the offset, and the offset is the lock.
type Upload struct {
	bun.BaseModel `bun:"table:uploads,alias:upload"`

	ID       string        `bun:"id,pk"`
	VideoID  string        `bun:"video_id"`
	Received int64         `bun:"received"`
	Length   sql.NullInt64 `bun:"length"`
	// Metadata is the JSON of what the client said at creation.
	Metadata json.RawMessage `bun:"metadata,type:text"`
	State    UploadState     `bun:"state"`
	// Checkpoint is the JSON of container.Checkpoint: where indexing goes on.
	Checkpoint json.RawMessage `bun:"checkpoint,type:text"`
	CreatedAt  time.Time       `bun:"created_at"`
	TouchedAt  time.Time       `bun:"touched_at"`
}

// Part is a piece of the source that arrived in one go: one object.
type Part struct {
	bun.BaseModel `bun:"table:parts,alias:part"`

	VideoID   string `bun:"video_id,pk"`
	Start     int64  `bun:"start,pk"`
	Length    int64  `bun:"length"`
	ObjectKey string `bun:"object_key"`
}

// Fragment is a piece of the source that can be decoded by itself.
type Fragment struct {
	bun.BaseModel `bun:"table:fragments,alias:fragment"`

	VideoID string `bun:"video_id,pk"`
	N       int    `bun:"n,pk"`
	// Start and Length are bytes of the source.
	Start  int64 `bun:"start"`
	Length int64 `bun:"length"`
	// StartUS and DurationUS are presentation time in microseconds.
	StartUS    int64  `bun:"start_us"`
	DurationUS int64  `bun:"duration_us"`
	Samples    []byte `bun:"samples"`
}

// Index is what the container index learned since the last commit.
type Index struct {
	// Media is set once the header is known, and then again with every commit.
	Media      *Media
	Checkpoint json.RawMessage
	Fragments  []Fragment
}

// Media describes a source.
type Media struct {
	Format, Layout     string
	Header             []byte
	Width, Height      int
	HasVideo, HasAudio bool
	// WebSafe says that browsers play the plain file as it is.
	WebSafe bool
	// Duration is known from the header of a plain file; fragments add up to
	// their own.
	Duration time.Duration
}

// Arrival is a part that has been kept, with what the index made of it.
type Arrival struct {
	UploadID, VideoID string
	Start, Length     int64
	ObjectKey         string
	Index             Index
	// Last says that these bytes complete the announced length.
	Last bool
}

// Upload finds an upload.
func (c *Catalog) Upload(ctx context.Context, id string) (*Upload, error) {
	upload := new(Upload)
	if err := c.DB.Reader.NewSelect().Model(upload).Where("id = ?", id).Scan(ctx); err != nil {
		return nil, record.Translate(err)
	}
	return upload, nil
}

// AppendPart commits a part: from here on it is acknowledged and never lost.
// It returns ErrOffset when another writer was faster, ErrFinished when the
// upload takes no more and ErrLength when the announced length is passed; the
// part's object is then of no use.
func (c *Catalog) AppendPart(ctx context.Context, a Arrival) error {
	return c.beside(ctx, func(ctx context.Context, tx change) error {
		at, err := tx.receive(ctx, a)
		if err != nil {
			return err
		}
		video := &at.Video
		err = people.Take(tx.Change, &at.Workspace, people.Arriving{Bytes: a.Length, Total: a.Start + a.Length, LengthUS: video.DurationUS})
		if err != nil {
			return err
		}
		video.Size = a.Start + a.Length
		video.learn(a.Index, at.Fragments)
		changes := tx.part(a)
		if a.Last {
			changes = append(changes, tx.NewUpdate().Table("videos").Set("stored_bytes = stored_bytes + ?", a.Length).Where("id = ?", video.ID))
		}
		if a.Last || len(a.Index.Fragments) > 0 && video.mayFillSpan(at.PlannedUS) {
			if err := tx.Together(ctx, changes...); err != nil {
				return err
			}
			changes = nil
			if err := tx.planSpans(ctx, video, false); err != nil {
				return err
			}
		}
		if a.Last {
			return tx.close(ctx, video, UploadFinished)
		}
		tx.Later(append(changes, tx.saved(video).Set("stored_bytes = stored_bytes + ?", a.Length))...)
		return tx.emitState(ctx, video)
	})
}

// receiving is what a part that arrives is judged by. From when it has been read
// the video and its upload are ours, and with them the fragments and spans.
type receiving struct {
	Video `bun:",extend"`

	Received  int64         `bun:"received"`
	Announced sql.NullInt64 `bun:"announced"`
	// Fragments is how many there are, PlannedUS to where spans cover them.
	Fragments int              `bun:"fragments"`
	PlannedUS int64            `bun:"planned_us"`
	Workspace people.Workspace `bun:"embed:bound_"`
}

// receive reads all that decides over a part, in one query, and makes sure that
// it is the one to come. Whoever had the video before us may have added to it while
// we waited, and the two counts were read before that; but then the upload, which
// is read after it, does not stand where the part begins, or is not open.
func (t change) receive(ctx context.Context, a Arrival) (*receiving, error) {
	at := new(receiving)
	err := t.LockOf(t.NewSelect().Model(at).ColumnExpr("video.*, upload.state AS upload_state, upload.received, upload.length AS announced").
		ColumnExpr("(SELECT coalesce(max(n) + 1, 0) FROM fragments WHERE video_id = video.id) AS fragments").
		ColumnExpr("coalesce((SELECT end_us FROM spans WHERE video_id = video.id ORDER BY n DESC LIMIT 1), 0) AS planned_us").
		ColumnExpr("workspace.id AS bound_id, workspace.used_bytes AS bound_used_bytes, workspace.quota_bytes AS bound_quota_bytes").
		ColumnExpr("workspace.max_upload_bytes AS bound_max_upload_bytes, workspace.max_length_us AS bound_max_length_us").
		Join("JOIN uploads AS upload ON upload.video_id = video.id").Join("JOIN workspaces AS workspace ON workspace.id = video.workspace_id").
		Where("video.id = ? AND upload.id = ?", a.VideoID, a.UploadID), "video, upload").Scan(ctx)
	if err != nil {
		return nil, err
	}
	at.before = at.State
	switch {
	case at.UploadState == UploadFinished:
		return nil, ErrFinished
	case at.Received != a.Start:
		return nil, ErrOffset
	case at.Announced.Valid && a.Start+a.Length > at.Announced.Int64:
		return nil, ErrLength
	case at.UploadState == UploadQuiet:
		return at, t.reopen(ctx, at, a.UploadID)
	}
	return at, nil
}

// part is how a part is written, with what it moves and what it completes.
func (t change) part(a Arrival) []bun.Query {
	move := t.NewUpdate().Table("uploads").Set("received = received + ?", a.Length).Set("state = ?", UploadOpen).Set("touched_at = ?", t.Now()).
		Where("id = ?", a.UploadID)
	if a.Index.Checkpoint != nil {
		move = move.Set("checkpoint = ?", string(a.Index.Checkpoint))
	}
	part := &Part{VideoID: a.VideoID, Start: a.Start, Length: a.Length, ObjectKey: a.ObjectKey}
	all := []bun.Query{move, t.NewInsert().Model(part)}
	if len(a.Index.Fragments) > 0 {
		all = append(all, t.NewInsert().Model(&a.Index.Fragments))
	}
	return all
}

// TouchUpload notes that whoever receives a video's upload still has it.
func (c *Catalog) TouchUpload(ctx context.Context, videoID string) error {
	_, err := c.DB.Writer.NewUpdate().Table("uploads").Set("touched_at = ?", c.Now()).Where("video_id = ? AND state = ?", videoID, UploadOpen).Exec(ctx)
	return record.Translate(err)
}

// DeclareLength fixes the length of an upload that began without one.
func (c *Catalog) DeclareLength(ctx context.Context, uploadID string, length int64) error {
	return c.write(ctx, func(ctx context.Context, tx change) error {
		var row struct {
			WorkspaceID string
			Received    int64
			Declared    bool
		}
		err := tx.NewRaw(`SELECT coalesce(videos.workspace_id, '') AS workspace_id, uploads.received, uploads.length IS NOT NULL AS declared
			FROM uploads JOIN videos ON videos.id = uploads.video_id WHERE uploads.id = ?`, uploadID).Scan(ctx, &row)
		if err != nil {
			return err
		}
		if left := length - row.Received; !row.Declared && left > 0 {
			if err := people.Admit(ctx, tx.Change, row.WorkspaceID, left); err != nil {
				return err
			}
		}
		err = record.Must(tx.NewUpdate().Table("uploads").Set("length = ?", length).Set("touched_at = ?", c.Now()).
			Where("id = ? AND received <= ? AND (length IS NULL OR length = ?)", uploadID, length, length).Exec(ctx))
		if err == record.ErrNotFound { //nolint:errorlint // must returns it bare
			return ErrLength
		}
		return err
	})
}

// Closing ends an upload.
type Closing struct {
	UploadID string
	// State is UploadFinished when all that was announced has come, UploadQuiet
	// when nobody sent anything for a while.
	State UploadState
	// Received is where the upload stood when Last was made of it.
	Received int64
	Last     Index
	// Stopped is the bound of the workspace that ends it, or "".
	Stopped people.Bound
}

// CloseUpload ends an upload. It does nothing if that has happened already, and
// returns ErrOffset if bytes came meanwhile.
func (c *Catalog) CloseUpload(ctx context.Context, closing Closing) error {
	return c.beside(ctx, func(ctx context.Context, tx change) error {
		video, upload, err := tx.lockUpload(ctx, closing.UploadID)
		if err != nil {
			return err
		}
		if upload.State == UploadFinished || upload.State == closing.State {
			return nil
		}
		if upload.Received != closing.Received {
			return ErrOffset
		}
		if upload.State == UploadQuiet {
			return tx.settle(ctx, video, upload)
		}
		if closing.Stopped != "" {
			if _, err := tx.NewUpdate().Table("videos").Set("stopped = ?", closing.Stopped).Where("id = ?", video.ID).Exec(ctx); err != nil {
				return err
			}
			video.Stopped = closing.Stopped
		}
		if err := tx.addIndex(ctx, video, closing.Last); err != nil {
			return err
		}
		return tx.close(ctx, video, closing.State)
	})
}

// settle makes a quiet upload final: everything has been set going already.
func (t change) settle(ctx context.Context, video *Video, upload *Upload) error {
	t.Tell(record.Event{Kind: record.VideoChanged, VideoID: video.ID})
	return record.Must(t.NewUpdate().Table("uploads").Set("state = ?", UploadFinished).Set("length = received").Where("id = ?", upload.ID).Exec(ctx))
}

// QuietUploads lists open uploads that should end: those without a length that
// were last touched before one time, those with a length before another, and
// those whose last byte came without their being closed.
func (c *Catalog) QuietUploads(ctx context.Context, takes, files time.Time) ([]*Upload, error) {
	var found []*Upload
	err := c.DB.Reader.NewSelect().Model(&found).
		Where("state = ? AND (length = received OR length IS NULL AND touched_at < ? OR touched_at < ?)", UploadOpen, takes.UTC(), files.UTC()).
		Order("touched_at").Limit(100).Scan(ctx)
	return found, record.Translate(err)
}

// addIndex stores what the index learned and plans the spans that are full.
func (t change) addIndex(ctx context.Context, video *Video, index Index) error {
	var n int
	if len(index.Fragments) > 0 {
		if err := t.NewRaw("SELECT coalesce(max(n) + 1, 0) FROM fragments WHERE video_id = ?", video.ID).Scan(ctx, &n); err != nil {
			return err
		}
	}
	video.learn(index, n)
	if len(index.Fragments) == 0 {
		return nil
	}
	if _, err := t.NewInsert().Model(&index.Fragments).Exec(ctx); err != nil {
		return err
	}
	return t.planSpans(ctx, video, false)
}

// learn takes over what the index learned. Its fragments come behind the n there are.
func (v *Video) learn(index Index, n int) {
	if m := index.Media; m != nil {
		v.Format, v.Layout, v.Header = m.Format, m.Layout, m.Header
		v.Width, v.Height = m.Width, m.Height
		v.HasVideo, v.HasAudio, v.WebSafe = m.HasVideo, m.HasAudio, m.WebSafe
		v.DurationUS = max(v.DurationUS, m.Duration.Microseconds())
	}
	for i := range index.Fragments {
		f := &index.Fragments[i]
		f.VideoID, f.N = v.ID, n+i
		v.DurationUS = max(v.DurationUS, f.StartUS+f.DurationUS)
	}
}

// lockVideo reads a video inside the transaction; from then on it is ours.
func (t change) lockVideo(ctx context.Context, id string) (*Video, error) {
	video := new(Video)
	err := t.Lock(t.NewSelect().Model(video).Where("id = ?", id)).Scan(ctx)
	video.before = video.State
	return video, err
}

// lockUpload reads an upload and its video, which is locked first, as always.
func (t change) lockUpload(ctx context.Context, id string) (*Video, *Upload, error) {
	var videoID string
	if err := t.NewRaw("SELECT video_id FROM uploads WHERE id = ?", id).Scan(ctx, &videoID); err != nil {
		return nil, nil, err
	}
	video, err := t.lockVideo(ctx, videoID)
	if err != nil {
		return nil, nil, err
	}
	upload := new(Upload)
	return video, upload, t.NewSelect().Model(upload).Where("id = ?", id).Scan(ctx)
}

// saveVideo writes back what ingest and ladder change.
func (t change) saveVideo(ctx context.Context, video *Video) error {
	if err := record.Must(t.saved(video).Exec(ctx)); err != nil {
		return err
	}
	return t.emitState(ctx, video)
}

// saved is the query of saveVideo.
func (t change) saved(video *Video) *bun.UpdateQuery {
	video.UpdatedAt = t.Now()
	t.Tell(record.Event{Kind: record.VideoChanged, VideoID: video.ID})
	return t.NewUpdate().Model(video).WherePK().Column("state", "reason", "format", "layout", "header", "size", "duration_us",
		"width", "height", "has_audio", "has_video", "web_safe", "take", "spans", "spans_done", "audio_done", "stills", "updated_at")
}
