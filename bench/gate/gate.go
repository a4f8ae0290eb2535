// Package gate measures what the gate adds to the request of one segment.
package gate

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/bench/figure"
	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

const (
	segment = "/media/:grant/:video/o/*key"
	// rounds of requests, of which the median is told.
	rounds, requests = 21, 5000
	// known is how many videos and accounts have lost access lately: a busy hour.
	known = 10_000
)

// Cost asks for a segment many times, with the gate and without it, while the
// gate knows of many who have lost access. The queries are those of all rounds.
func Cost(ctx context.Context) ([]figure.Figure, error) {
	folder, err := os.MkdirTemp("", "gate")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	db, err := database.Open(ctx, "sqlite:"+filepath.Join(folder, "gate.db"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	records := catalog.New(record.Options{DB: db, Log: slog.New(slog.DiscardHandler)})
	granter := access.NewGranter([]byte("a key of the bench"), time.Now)
	for i := range known {
		granter.Losses().Note(record.Event{Kind: record.AccessLost, VideoID: strconv.Itoa(i), Epoch: 1})
		granter.Losses().Note(record.Event{Kind: record.AccessLost, AccountID: strconv.Itoa(i), Epoch: 1})
	}
	finder := access.NewFinder(records, nil, time.Now)
	guard := access.NewGate(finder, granter, map[string]access.Need{"GET " + segment: {Names: access.Media}}, slog.New(slog.DiscardHandler))

	video := &catalog.Video{ID: record.NewID(), OwnerID: "ada"}
	grant, _ := granter.Grant(auth.Principal{Account: &people.Account{ID: "ada"}}, video)
	path := "/media/" + grant + "/" + video.ID + "/o/ladder/1/720p/0.mp4"
	bare, err := median(engine(), path)
	if err != nil {
		return nil, err
	}
	before := records.Queries()
	gated, err := median(engine(guard.Handle), path)
	if err != nil {
		return nil, err
	}
	return []figure.Figure{
		{Name: "gate: cost per segment request", Value: (gated - bare).Seconds() * 1e6, Unit: "µs", Target: 50},
		{Name: "gate: queries per segment request", Value: float64(records.Queries() - before), Unit: "", Target: 0},
	}, nil
}

func engine(handlers ...gin.HandlerFunc) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.Use(handlers...)
	e.GET(segment, func(c *gin.Context) { c.Status(http.StatusNoContent) })
	return e
}

// median is the time of one request in the middle one of many rounds.
func median(h http.Handler, path string) (time.Duration, error) {
	request := httptest.NewRequest(http.MethodGet, path, nil)
	times := make([]time.Duration, rounds)
	for i := range times {
		begin := time.Now()
		for range requests {
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, request)
			if answer.Code != http.StatusNoContent {
				return 0, errors.New("the gate did not open: " + answer.Body.String())
			}
		}
		times[i] = time.Since(begin) / requests
	}
	slices.Sort(times)
	return times[rounds/2], nil
}
