package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/reply"
)

// recovery turns a panic into a problem document, and lets the one panic that
// is meant – the cut line of a half-written answer – through.
func recovery(log *slog.Logger) gin.HandlerFunc {
	return gin.CustomRecoveryWithWriter(nil, func(c *gin.Context, thrown any) {
		err, ok := thrown.(error)
		if ok && errors.Is(err, http.ErrAbortHandler) {
			panic(http.ErrAbortHandler)
		}
		if !ok {
			err = fmt.Errorf("%v", thrown)
		}
		log.Error("a handler panicked", "path", c.FullPath(), "error", err)
		reply.Write(c, err)
	})
}

// safety sets the headers that every answer carries.
func safety() gin.HandlerFunc {
	return func(c *gin.Context) {
		h := c.Writer.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
}
