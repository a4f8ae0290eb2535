package health

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/reply"
)

// Alone answers /healthz, /readyz and /metrics for a process that serves nothing
// else. There are no accounts there: whoever reaches it may read its numbers.
func (h *Health) Alone() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Use(reply.Middleware(h.Log))
	engine.GET("/healthz", reply.Handle(h.Live))
	engine.GET("/readyz", reply.Handle(h.Ready))
	engine.GET("/metrics", reply.Handle(h.numbers))
	return engine
}
