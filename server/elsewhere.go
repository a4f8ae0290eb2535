package server

import (
	"context"
	"errors"
	"time"

	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/server/whip"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// A recording over WebRTC comes in at the one server that its client has connected
// to, but requests about it may reach any.

const (
	// endTime is how long the server that has a recording may take to end it. What it
	// still holds comes in all the same, unless it does not even say that it is there:
	// then it has died, and the recording ends with what it had kept.
	endTime = 10 * time.Second
	// endPoll is how often is looked at whether it has.
	endPoll = 500 * time.Millisecond
)

// recordsElsewhere says whether another server has a session: reply.NotFound if none
// does. If it is to end, it has ended when this returns.
func (s *Server) recordsElsewhere(ctx context.Context, session whip.Session, end bool) error {
	video, err := s.records.Video(ctx, session.VideoID)
	if errors.Is(err, record.ErrNotFound) || err == nil && (video.OwnerID != session.Principal.AccountID() || video.UploadState == catalog.UploadFinished) {
		return reply.NotFound
	}
	if err != nil || !end {
		return err
	}
	sub, asked := s.records.Subscribe(video.ID), s.records.Now()
	defer sub.Close()
	err = s.records.Write(ctx, func(_ context.Context, tx record.Change) error {
		tx.Tell(record.Event{Kind: record.RecordingEnds, VideoID: video.ID, AccountID: video.OwnerID, SessionID: session.ID})
		return nil
	})
	if err != nil {
		return err
	}
	limit, poll, told := time.After(endTime), time.NewTicker(endPoll), sub.C
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-limit:
			return s.endFor(ctx, video.UploadID, asked)
		case <-poll.C:
		case _, ok := <-told:
			if !ok {
				told = nil // it was too slow, and looks now and then
			}
		}
		video, err = s.records.Video(ctx, session.VideoID)
		if errors.Is(err, record.ErrNotFound) || err == nil && video.UploadState == catalog.UploadFinished {
			return nil // one without a byte leaves nothing
		}
		if err != nil {
			return err
		}
	}
}

// endFor ends an upload that nobody has touched since a server was asked to.
func (s *Server) endFor(ctx context.Context, uploadID string, asked time.Time) error {
	upload, err := s.records.Upload(ctx, uploadID)
	if err != nil || !upload.TouchedAt.Before(asked) {
		return err
	}
	return s.Ingest.Finish(ctx, uploadID)
}

// endRecordings ends recordings here that other servers were asked to end.
func (s *Server) endRecordings(ctx context.Context) {
	for ctx.Err() == nil {
		s.followEnds(ctx)
	}
}

func (s *Server) followEnds(ctx context.Context) {
	sub := s.records.Subscribe("")
	defer sub.Close()
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-sub.C:
			if !ok {
				return // what it missed, others make up for
			}
			if e.Kind == record.RecordingEnds && s.whip.EndSession(e.SessionID, e.AccountID) {
				_ = s.records.TouchUpload(ctx, e.VideoID) // without a database nothing else would be told, either
			}
		}
	}
}
