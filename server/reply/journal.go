package reply

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/gin-gonic/gin"
)

// journalKey finds the logger of a request.
type journalKey struct{}

// Middleware stands outside all others: it gives the request its log for the
// causes of failures, and answers a panic.
func Middleware(log *slog.Logger) gin.HandlerFunc {
	return func(c *gin.Context) {
		ctx := context.WithValue(c.Request.Context(), journalKey{}, log)
		c.Request = c.Request.WithContext(ctx)
		defer recovered(c)
		c.Next()
	}
}

func recovered(c *gin.Context) {
	cause := recover()
	if cause == nil {
		return
	}
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(cause) // net/http cuts the line, as intended
	}
	Write(c, fmt.Errorf("panic: %v\n%s", cause, debug.Stack()))
}

// answer finds the problem of an error and, when the server is at fault, writes
// the cause to the log under a fresh error id.
func answer(ctx context.Context, err error) *Problem {
	p := Of(err)
	if p.Status < http.StatusInternalServerError {
		return p
	}
	q := *p
	q.ErrorID = rand.Text()
	journal(ctx).LogAttrs(ctx, slog.LevelError, "request failed",
		slog.String("error_id", q.ErrorID), slog.String("code", q.Code), slog.Any("error", err))
	return &q
}

func journal(ctx context.Context) *slog.Logger {
	if log, ok := ctx.Value(journalKey{}).(*slog.Logger); ok {
		return log
	}
	return slog.Default() // outside of Middleware: a cause in the wrong log is better than none
}
