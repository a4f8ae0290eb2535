package ingest

import (
	"bytes"
	"context"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// Take is a recording whose bytes are made in this process, from what comes in
// by another way than an upload. It is not safe for concurrent use.
type Take struct {
	*catalog.Video

	upload *upload
	// kept is how much of the chunk at hand is kept, and unsure says that an
	// error has left that open.
	kept   int64
	unsure bool
}

// Record begins a recording for whoever asks in ctx.
func (in *Ingest) Record(ctx context.Context, title string) (*Take, error) {
	p := auth.From(ctx)
	if p.Account == nil {
		return nil, reply.SignIn
	}
	video, err := in.Start(ctx, catalog.NewVideo{
		OwnerID: p.Account.ID, WorkspaceID: p.Account.WorkspaceID, Title: title, Length: -1, Metadata: map[string]string{},
	})
	if err != nil {
		return nil, err
	}
	row, err := in.catalog.Upload(ctx, video.UploadID)
	if err != nil {
		return nil, err
	}
	return &Take{Video: video, upload: &upload{Ingest: in, row: row}}, nil
}

// VideoID is the video that it becomes.
func (t *Take) VideoID() string { return t.ID }

// Link is the word in the video's address.
func (t *Take) Link() string { return t.Slug }

// Append keeps bytes behind those there are. Once it returns, they survive a
// power cut. After an error it is to be called with the same bytes again.
func (t *Take) Append(ctx context.Context, chunk []byte) error {
	ctx = context.WithoutCancel(ctx)
	if t.unsure {
		if err := t.reread(ctx); err != nil {
			return err
		}
	}
	for t.kept < int64(len(chunk)) {
		n, err := t.upload.writePart(ctx, t.upload.row.Received, bytes.NewReader(chunk[t.kept:]))
		t.kept += n
		if err != nil {
			t.unsure = true
			return err
		}
	}
	t.kept = 0
	return nil
}

// reread finds out whether a part whose commit failed was kept all the same.
func (t *Take) reread(ctx context.Context) error {
	row, err := t.upload.catalog.Upload(ctx, t.upload.row.ID)
	if err != nil {
		return err
	}
	t.kept += row.Received - t.upload.row.Received
	t.upload.row, t.unsure = row, false
	return nil
}

// Finish ends the recording with what came; one without a byte leaves nothing behind.
func (t *Take) Finish(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	if t.upload.row.Received == 0 {
		return t.upload.catalog.RemoveVideo(ctx, t.ID)
	}
	return t.upload.Finish(ctx, t.upload.row.ID)
}
