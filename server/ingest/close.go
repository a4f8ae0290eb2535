package ingest

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/objects"
)

// How long an open upload may be silent before what arrived becomes the video.
// A recorder sends every second or two and says no length; a file's upload has
// a known end, and its sender may only be asleep.
const (
	quietTake = 3 * time.Minute
	quietFile = 24 * time.Hour
)

// CloseQuiet closes uploads that nobody continues: with what arrived they
// become videos. They can still be continued.
func (in *Ingest) CloseQuiet(ctx context.Context) error {
	now := in.now()
	open, err := in.catalog.QuietUploads(ctx, now.Add(-quietTake), now.Add(-quietFile))
	if err != nil {
		return err
	}
	var errs []error
	for _, row := range open {
		state := catalog.UploadQuiet
		if row.Length.Valid && row.Length.Int64 == row.Received {
			state = catalog.UploadFinished // a crash came between its last part and its end
		}
		errs = append(errs, in.finish(ctx, row, state))
	}
	return errors.Join(errs...)
}

// finishTries is how often an end is tried while bytes still come in.
const finishTries = 20

// Finish ends an upload by its owner's wish, with what arrived.
func (in *Ingest) Finish(ctx context.Context, uploadID string) error {
	var err error
	for range finishTries {
		row, missing := in.catalog.Upload(ctx, uploadID)
		if missing != nil {
			return missing
		}
		if err = in.finish(ctx, row, catalog.UploadFinished); !errors.Is(err, catalog.ErrOffset) {
			return err
		}
	}
	return err
}

func (in *Ingest) finish(ctx context.Context, row *catalog.Upload, state catalog.UploadState) error {
	return in.end(ctx, row, catalog.Closing{State: state})
}

// end closes an upload with what arrived.
func (in *Ingest) end(ctx context.Context, row *catalog.Upload, closing catalog.Closing) error {
	if row.State == catalog.UploadFinished {
		return nil
	}
	closing.UploadID, closing.Received = row.ID, row.Received
	if row.State == catalog.UploadOpen && row.Received > 0 {
		var err error
		if closing.Last, err = in.lastWords(ctx, row); err != nil {
			return err
		}
	}
	err := in.catalog.CloseUpload(ctx, closing)
	if errors.Is(err, catalog.ErrOffset) && closing.State == catalog.UploadQuiet {
		return nil // it is not quiet any more
	}
	return err
}

// lastWords is what the end of an upload tells its index. If bytes are gone from
// the store, what was known before must do.
func (in *Ingest) lastWords(ctx context.Context, row *catalog.Upload) (catalog.Index, error) {
	index, err := in.indexers.take(ctx, in, row, row.Received)
	if errors.Is(err, objects.ErrNotFound) || errors.Is(err, io.ErrUnexpectedEOF) {
		in.log.Error("an upload is closed without its end, whose bytes are lost", "video", row.VideoID, "error", err)
		return catalog.Index{}, nil
	}
	if err != nil {
		return catalog.Index{}, err
	}
	last, err := learned(index)
	last.Fragments = append(last.Fragments, rows(index.FinishAt(row.Received))...)
	return last, err
}
