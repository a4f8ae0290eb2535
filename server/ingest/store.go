// Package ingest takes bytes in: tus 1.0.0, spoken by tusd's handler over a
// store of our own.
//
// An upload here is a list of immutable parts. Whatever a PATCH brings becomes
// one or more objects, each synced before its row is written, and the row
// counts only if the upload's offset is still where the part begins. So nothing
// is appended to, locked or overwritten; what was acknowledged survives a power
// cut, and of two writers one wins and the other is told the true offset.
// While the bytes pass, an index notes where each fragment begins, and is
// committed with the part.
package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	tus "github.com/tus/tusd/v2/pkg/handler"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// Limits of what a client may say of a video.
const (
	// MaxTitle is the longest title, in characters.
	MaxTitle = 300
	maxMIME  = 200
	// maxEmpty is how many uploads of an account may be open without a byte:
	// whoever sends begins one and fills it.
	maxEmpty = 20
)

// Ingest receives uploads.
type Ingest struct {
	catalog  *catalog.Catalog
	objects  objects.Store
	log      *slog.Logger
	indexers *indexers
	senders  *senders
	room     func() error
	kept     func(bytes int64)
	now      func() time.Time
}

// Options set up an Ingest.
type Options struct {
	Catalog *catalog.Catalog
	Objects objects.Store
	Log     *slog.Logger
	// Room says, as an error, that new uploads should be refused because the
	// disk is nearly full. It may be nil.
	Room func() error
	// Kept counts bytes that were kept. It may be nil.
	Kept func(bytes int64)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// New makes an Ingest.
func New(o Options) *Ingest {
	in := &Ingest{catalog: o.Catalog, objects: o.Objects, log: o.Log, indexers: newIndexers(), senders: &senders{open: map[*answer]struct{}{}}, room: o.Room, kept: o.Kept, now: o.Now}
	if in.room == nil {
		in.room = func() error { return nil }
	}
	if in.kept == nil {
		in.kept = func(int64) {}
	}
	if in.now == nil {
		in.now = time.Now
	}
	return in
}

var (
	errTitle = reply.New(422, "title_too_long", fmt.Sprintf("A title has at most %d characters.", MaxTitle))
	errName  = reply.New(422, "bad_text", "The title or the file's name holds characters that cannot be shown.")
)

// Start makes a video with an open upload, after checking what the client said.
func (in *Ingest) Start(ctx context.Context, n catalog.NewVideo) (*catalog.Video, error) {
	if !in.senders.mayBegin() {
		return nil, reply.Stopping
	}
	if err := in.room(); err != nil {
		return nil, err
	}
	switch {
	case utf8.RuneCountInString(n.Title) > MaxTitle:
		return nil, errTitle.At("title")
	case !utf8.ValidString(n.Title), strings.ContainsFunc(n.Title, isControl), !utf8.ValidString(n.MIME), strings.ContainsFunc(n.MIME, isControl), len(n.MIME) > maxMIME:
		return nil, errName.At("title")
	}
	if n.Visibility == "" {
		n.Visibility = catalog.InTeam
	}
	n.MaxEmpty = maxEmpty
	return in.catalog.StartVideo(ctx, n)
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// tusStore is the door that tusd knocks on.
type tusStore struct{ *Ingest }

// NewUpload implements tus.DataStore: a plain tus creation makes the video.
func (s tusStore) NewUpload(ctx context.Context, info tus.FileInfo) (tus.Upload, error) {
	p := auth.From(ctx)
	if p.Account == nil {
		return nil, s.refuse(reply.SignIn)
	}
	n := catalog.NewVideo{OwnerID: p.Account.ID, WorkspaceID: p.Account.WorkspaceID, MIME: info.MetaData["filetype"], Length: info.Size, Metadata: info.MetaData, Title: titleOf(info.MetaData)}
	if info.SizeIsDeferred {
		n.Length = -1
	}
	video, err := s.Start(ctx, n)
	if err != nil {
		return nil, s.refuse(err)
	}
	return s.GetUpload(ctx, video.UploadID)
}

// titleOf takes the title that was given, else the file's name without its end.
func titleOf(metadata tus.MetaData) string {
	if title := strings.TrimSpace(metadata["title"]); title != "" {
		return title
	}
	name := metadata["filename"]
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		name = name[:i]
	}
	if runes := []rune(name); len(runes) > MaxTitle {
		name = string(runes[:MaxTitle])
	}
	return strings.TrimSpace(name)
}

// GetUpload implements tus.DataStore.
func (s tusStore) GetUpload(ctx context.Context, id string) (tus.Upload, error) {
	if row := seen(ctx); row != nil && row.ID == id {
		return &upload{Ingest: s.Ingest, row: row}, nil
	}
	row, err := s.catalog.Upload(ctx, id)
	if errors.Is(err, record.ErrNotFound) {
		return nil, tus.ErrNotFound
	}
	if err != nil {
		return nil, s.refuse(err)
	}
	return &upload{Ingest: s.Ingest, row: row}, nil
}

// AsTerminatableUpload implements tus.TerminaterDataStore.
func (s tusStore) AsTerminatableUpload(u tus.Upload) tus.TerminatableUpload { return u.(*upload) } //nolint:forcetypeassert // made by GetUpload

// AsLengthDeclarableUpload implements tus.LengthDeferrerDataStore.
func (s tusStore) AsLengthDeclarableUpload(u tus.Upload) tus.LengthDeclarableUpload {
	return u.(*upload) //nolint:forcetypeassert // made by GetUpload
}

// upload is one upload during one request.
type upload struct {
	*Ingest
	row *catalog.Upload
}

// GetInfo implements tus.Upload.
func (u *upload) GetInfo(context.Context) (tus.FileInfo, error) {
	info := tus.FileInfo{ID: u.row.ID, Offset: u.row.Received, Size: u.row.Length.Int64, SizeIsDeferred: !u.row.Length.Valid}
	if err := json.Unmarshal(u.row.Metadata, &info.MetaData); err != nil {
		return info, fmt.Errorf("ingest: metadata: %w", err)
	}
	return info, nil
}

// GetReader implements tus.Upload. Media has its own way out, behind the gate.
func (u *upload) GetReader(context.Context) (io.ReadCloser, error) { return nil, tus.ErrNotImplemented }

// DeclareLength implements tus.LengthDeclarableUpload.
func (u *upload) DeclareLength(ctx context.Context, length int64) error {
	if err := u.catalog.DeclareLength(ctx, u.row.ID, length); err != nil {
		return u.refuse(err)
	}
	u.row.Length.Int64, u.row.Length.Valid = length, true
	return nil
}

// FinishUpload implements tus.Upload. Mostly the last part has closed the
// upload in its own transaction; what is left are those that end without one.
func (u *upload) FinishUpload(ctx context.Context) error {
	return u.refuse(u.finish(ctx, u.row, catalog.UploadFinished))
}

// Terminate implements tus.TerminatableUpload. The bytes go to the trash, from
// where they can be brought back.
func (u *upload) Terminate(ctx context.Context) error {
	if err := u.catalog.TrashVideo(ctx, u.row.VideoID); err != nil {
		return u.refuse(err)
	}
	return u.refuse(u.Finish(ctx, u.row.ID))
}
