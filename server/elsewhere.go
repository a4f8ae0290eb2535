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
	// endTime is how long is waited for the server that has a recording to end it.
	// What it still holds comes in all the same; of one that has died, silence ends
	// the recording with what it had kept.
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
	sub := s.records.Subscribe(video.ID)
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
			return nil
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
			if e.Kind == record.RecordingEnds {
				s.whip.EndSession(e.SessionID, e.AccountID)
			}
		}
	}
}
