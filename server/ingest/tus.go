package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	tus "github.com/tus/tusd/v2/pkg/handler"
	"github.com/tus/tusd/v2/pkg/memorylocker"
	"golang.org/x/exp/slog"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

const (
	// Path is where uploads live.
	Path = "/api/uploads"
	// MaxSize is the largest upload in bytes: 100 GiB, some 80 hours of 1080p.
	MaxSize = 100 << 30
	// expiry is how long an unfinished upload can be continued after its last
	// byte. What had arrived stays a video all the same.
	expiry = 7 * 24 * time.Hour
	// patience is how long a connection may be silent inside a request.
	patience = 60 * time.Second
)

// Handler makes the gin handler for everything below Path.
func (in *Ingest) Handler() (gin.HandlerFunc, error) {
	store := tusStore{in}
	composer := tus.NewStoreComposer()
	composer.UseCore(store)
	composer.UseTerminater(store)
	composer.UseLengthDeferrer(store)
	memorylocker.New().UseIn(composer)
	h, err := tus.NewHandler(tus.Config{
		StoreComposer: composer, BasePath: Path + "/", MaxSize: MaxSize,
		DisableDownload: true, DisableConcatenation: true,
		// The gate and the front page's rules say which sites may call.
		Cors:           &tus.CorsConfig{Disable: true},
		NetworkTimeout: patience,
		// tusd tells every step of every request; ours is logged once, by the server.
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		return nil, fmt.Errorf("ingest: %w", err)
	}
	routed := http.StripPrefix(Path, h)
	return func(c *gin.Context) {
		video := access.Video(c.Request.Context())
		if video != nil && video.Trashed() && c.Request.Method != http.MethodDelete {
			reply.Write(c, reply.NotFound)
			return
		}
		if video != nil && tooLate(c.Request, video) {
			reply.Write(c, catalog.ErrFinished)
			return
		}
		in.forgiveRepeat(c.Request, c.Param("id"))
		c.Request = withSeen(c.Request, video)
		w := &answer{ResponseWriter: c.Writer, request: c.Request, expires: in.now().Add(expiry), senders: in.senders, body: in.bodyOf(c)}
		if c.Request.Body != http.NoBody {
			c.Request.Body = w.body
		}
		if !in.senders.add(w) {
			reply.Write(c, reply.Stopping)
			return
		}
		defer in.senders.remove(w)
		routed.ServeHTTP(w, c.Request)
	}, nil
}

// answer makes tusd's answers ours: problem documents, relative addresses,
// and the expiration extension, which tusd does not speak.
type answer struct {
	gin.ResponseWriter
	request *http.Request
	expires time.Time
	failed  bool
	stopped bool // this is the answer of a server that stops

	senders *senders
	body    *body
}

// SetReadDeadline implements what http.ResponseController looks for. tusd ends
// a request that another one takes over from by a deadline that has passed. Once
// the body has been read, there is nothing left to end: the deadline would hit
// net/http's own watch over the line, and with it every later request on it.
func (a *answer) SetReadDeadline(at time.Time) error {
	a.senders.mu.Lock()
	defer a.senders.mu.Unlock()
	if a.senders.stopped {
		at = longAgo()
	}
	return a.deadline(at)
}

func (a *answer) deadline(at time.Time) error {
	if a.body.read.Load() {
		return nil
	}
	return http.NewResponseController(a.ResponseWriter).SetReadDeadline(at)
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	h := a.Header()
	if location := h.Get("Location"); location != "" {
		if i := strings.Index(location, Path+"/"); i >= 0 {
			h.Set("Location", location[i:])
		}
	}
	if extensions := h.Get("Tus-Extension"); extensions != "" {
		h.Set("Tus-Extension", extensions+",expiration")
	}
	if status < 300 && h.Get("Upload-Offset") != h.Get("Upload-Length") || status == http.StatusCreated {
		h.Set("Upload-Expires", a.expires.UTC().Format(http.TimeFormat))
	}
	if status >= 400 && strings.HasPrefix(h.Get("Content-Type"), "text/plain") {
		a.stopped = a.senders.stopping()
		if a.stopped || a.body.late.Load() && status == http.StatusInternalServerError {
			status = reply.Stopping.Status // the programs that speak tus take 408 for final
			maps.Copy(h, reply.Stopping.GetHeaders())
		}
		a.failed = true
		h.Set("Content-Type", reply.ContentType)
		h.Del("Content-Length")
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer. The only bodies are those of errors.
func (a *answer) Write(p []byte) (int, error) {
	if !a.failed {
		return a.ResponseWriter.Write(p)
	}
	code, message, _ := strings.Cut(strings.TrimSpace(string(p)), ": ")
	problem := reply.New(a.Status(), strings.ToLower(strings.TrimPrefix(code, "ERR_")), sentence(code, message))
	if a.stopped {
		problem = reply.Stopping
	}
	if err := json.NewEncoder(a.ResponseWriter).Encode(problem); err != nil {
		return 0, err
	}
	return len(p), nil
}

// sentence says in words what tusd says in codes.
func sentence(code, message string) string {
	switch code {
	case "ERR_MISMATCHED_OFFSET":
		return "The upload stands at another offset. Ask for it with HEAD and go on from there; nothing is lost."
	case "ERR_INVALID_UPLOAD_LENGTH":
		return "The announced length is missing, negative, too large, or not the one announced before."
	case "ERR_MAX_SIZE_EXCEEDED":
		return fmt.Sprintf("An upload has at most %d GiB.", MaxSize>>30)
	case "ERR_UPLOAD_SIZE_EXCEEDED":
		return "More bytes came than were announced. What was announced is kept."
	case "ERR_INVALID_OFFSET":
		return "Upload-Offset must be a whole number, 0 or more."
	case "ERR_INVALID_CONTENT_TYPE":
		return "A PATCH must have the content type application/offset+octet-stream."
	case "ERR_UPLOAD_NOT_FOUND":
		return "There is no such upload, or not for you."
	case "ERR_READ_TIMEOUT":
		return "The bytes came too slowly, or not at all. What arrived is kept; ask for the offset and go on from there."
	case "ERR_UNEXPECTED_EOF", "ERR_CONNECTION_RESET":
		return "The connection broke. What arrived is kept; ask for the offset and go on from there."
	case "ERR_UPLOAD_INTERRUPTED":
		return "Another request continues this upload."
	case "ERR_UNSUPPORTED_VERSION":
		return "Only tus 1.0.0 is spoken here: send Tus-Resumable: 1.0.0."
	}
	return strings.ToUpper(message[:min(1, len(message))]) + message[min(1, len(message)):] + "."
}

// refuse dresses an error so that tusd answers with our problem document.
func (in *Ingest) refuse(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, catalog.ErrOffset) {
		return tus.ErrMismatchOffset
	}
	problem := reply.Of(err)
	if problem.Status >= http.StatusInternalServerError {
		in.log.Error("an upload failed", "error", err)
	}
	body, marshalErr := json.Marshal(problem)
	if marshalErr != nil {
		return errors.Join(err, marshalErr)
	}
	header := tus.HTTPHeader{"Content-Type": reply.ContentType}
	for name, values := range problem.GetHeaders() {
		header[name] = values[0]
	}
	return tus.Error{
		ErrorCode: problem.Code, Message: err.Error(),
		HTTPResponse: tus.HTTPResponse{StatusCode: problem.Status, Body: string(body), Header: header},
	}
}
