package watch

import (
	"context"
	"errors"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/storage/objects"
)

const (
	// lookTime is how long it may take to look at a whole video.
	lookTime = time.Minute
	// lookAgain is when a video of which something was missing is looked at again
	// because somebody plays it.
	lookAgain = time.Minute
)

// Lost has look called with a video of which somebody asked for what is not there.
func (w *Watch) Lost(look func(ctx context.Context, videoID string) error) { w.look = look }

// noticed passes an error on. If an object is gone, whoever runs the server is to
// hear of it, and not only from the log; the viewer does not wait for that. One look
// goes on at a time: when everything is lost, housekeeping notices the rest.
func (w *Watch) noticed(c *gin.Context, err error) error {
	if !errors.Is(err, objects.ErrNotFound) {
		return err
	}
	video := c.Param("video")
	w.log.Error("media that the records name is gone; the doctor tells what else is (meanwhile doctor --objects)", "video", video, "error", err)
	if w.look == nil || video == "" || !w.looking.TryLock() {
		return err
	}
	if last, ok := w.looked.get(video); ok && time.Since(last) < lookAgain {
		w.looking.Unlock()
		return err
	}
	w.looked.put(video, time.Now())
	ctx := context.WithoutCancel(c.Request.Context())
	go func() {
		defer w.looking.Unlock()
		ctx, cancel := context.WithTimeout(ctx, lookTime)
		defer cancel()
		if err := w.look(ctx, video); err != nil {
			w.log.Warn("what a video lacks could not be found out", "video", video, "error", err)
		}
	}()
	return err
}
