package reply

import (
	"encoding/json"
	"maps"
	"net/http"

	"github.com/gin-gonic/gin"
)

// Handle makes a gin handler of a function that may fail.
func Handle(handler func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := handler(c); err != nil {
			Write(c, err)
		}
	}
}

// Write answers an error and ends the chain of handlers. If the answer had
// begun already, it cuts the line: half a page must not look like a whole one.
func Write(c *gin.Context, err error) {
	c.Abort()
	p := answer(c.Request.Context(), err)
	if c.Writer.Written() {
		panic(http.ErrAbortHandler)
	}
	header := c.Writer.Header()
	for _, stale := range []string{"Content-Length", "Content-Encoding", "Content-Range", "Content-Disposition", "ETag", "Last-Modified"} {
		header.Del(stale)
	}
	maps.Copy(header, p.GetHeaders())
	header.Set("Content-Type", ContentType)
	c.Status(p.Status)
	if err := json.NewEncoder(c.Writer).Encode(p); err != nil {
		_ = c.Error(err) // the line to the client broke; it cannot be told of it
	}
}
