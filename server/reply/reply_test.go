package reply_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

type echoInput struct {
	Body struct {
		Password string `json:"password" minLength:"8"`
	}
}

type echoOutput struct {
	Body struct {
		OK bool `json:"ok"`
	}
}

// newServer fails with err on GET /gin and on POST /huma.
// journal is a log that may be read while a handler still writes.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func newServer(t *testing.T, err error) (*gin.Engine, *journal) {
	t.Helper()
	gin.SetMode(gin.ReleaseMode)
	log := &journal{}
	router := gin.New()
	router.Use(reply.Middleware(slog.New(slog.NewJSONHandler(log, nil))))
	router.GET("/gin", reply.Handle(func(*gin.Context) error { return err }))
	router.GET("/panic", func(*gin.Context) { panic("secret reason") })
	router.GET("/half", reply.Handle(func(c *gin.Context) error {
		c.String(http.StatusOK, "half")
		return errors.New("the disk went away")
	}))
	api := humagin.New(router, reply.Config("Test", "1"))
	reply.Register(api, huma.Operation{Method: http.MethodPost, Path: "/huma", OperationID: "echo"},
		func(context.Context, *echoInput) (*echoOutput, error) { return &echoOutput{}, err })
	return router, log
}

func ask(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func problem(t *testing.T, w *httptest.ResponseRecorder) reply.Problem {
	t.Helper()
	require.Equal(t, reply.ContentType, w.Header().Get("Content-Type"))
	var p reply.Problem
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p), w.Body.String())
	require.Equal(t, w.Code, p.Status)
	require.Equal(t, "about:blank", p.Type)
	require.NotEmpty(t, p.Detail)
	return p
}

func TestErrorsBecomeTheSameProblemInGinAndHuma(t *testing.T) {
	t.Parallel()
	rows := []struct {
		err    error
		status int
		code   string
	}{
		{record.ErrNotFound, 404, "not_found"},
		{fmt.Errorf("deep: %w", catalog.ErrOffset), 409, "offset"},
		{record.ErrFull, 507, "full"},
		{reply.SignIn, 401, "sign_in"},
		{fmt.Errorf("wrapped: %w", reply.Forbidden.Because(errors.New("why"))), 403, "forbidden"},
		{&record.InvalidError{Field: "email", Message: "No."}, 422, "invalid"},
		{&http.MaxBytesError{Limit: 3}, 413, "too_large"},
		{context.Canceled, 499, "client_gone"},
		{errors.New("kaboom"), 500, "internal"},
	}
	for _, row := range rows {
		t.Run(row.code, func(t *testing.T) {
			t.Parallel()
			router, _ := newServer(t, row.err)
			for _, w := range []*httptest.ResponseRecorder{
				ask(router, http.MethodGet, "/gin", ""),
				ask(router, http.MethodPost, "/huma", `{"password":"long enough"}`),
			} {
				p := problem(t, w)
				require.Equal(t, row.status, w.Code)
				require.Equal(t, row.code, p.Code)
				require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
			}
		})
	}
}

func TestTheCauseGoesToTheLogAndNotToTheClient(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/gin", "/panic"} {
		router, log := newServer(t, errors.New("secret reason"))
		w := ask(router, http.MethodGet, path, "")
		p := problem(t, w)
		require.NotContains(t, w.Body.String(), "secret")
		require.NotEmpty(t, p.ErrorID)
		require.Contains(t, log.String(), p.ErrorID)
		require.Contains(t, log.String(), "secret reason")
	}
}

func TestValidationNeverEchoesValues(t *testing.T) {
	t.Parallel()
	router, _ := newServer(t, nil)
	w := ask(router, http.MethodPost, "/huma", `{"password":"hunter2"}`)
	p := problem(t, w)
	require.Equal(t, 422, w.Code)
	require.Equal(t, "invalid", p.Code)
	require.Equal(t, "body.password", p.Errors[0].Location)
	require.NotContains(t, w.Body.String(), "hunter2")
}

func TestBrokenRequests(t *testing.T) {
	t.Parallel()
	router, _ := newServer(t, nil)
	rows := []struct {
		name, body string
		status     int
		code       string
	}{
		{"not json", "{", 400, "invalid"},
		{"unknown field", `{"password":"long enough","role":"owner"}`, 422, "invalid"},
		{"too large", `{"password":"` + strings.Repeat("x", 100_000) + `"}`, 413, "too_large"},
		{"empty", ``, 400, "invalid"},
		{"deep", strings.Repeat("[", 20_000), 400, "invalid"},
	}
	for _, row := range rows {
		w := ask(router, http.MethodPost, "/huma", row.body)
		require.Equal(t, row.status, w.Code, row.name+w.Body.String())
		require.Equal(t, row.code, problem(t, w).Code, row.name)
		require.Less(t, w.Body.Len(), 1000, row.name)
	}
}

// TestChunksThatAreNone: a body that cannot be read is the client's fault.
func TestChunksThatAreNone(t *testing.T) {
	t.Parallel()
	router, log := newServer(t, nil)
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	line, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = line.Close() })
	_, err = io.WriteString(line, "POST /huma HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")
	require.NoError(t, err)
	res, err := http.ReadResponse(bufio.NewReader(line), nil)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusBadRequest, res.StatusCode)
	require.Equal(t, reply.ContentType, res.Header.Get("Content-Type"))
	require.Empty(t, log.String(), "nothing is wrong with the server")
}

func TestHalfAnAnswerIsCut(t *testing.T) {
	t.Parallel()
	router, log := newServer(t, nil)
	server := httptest.NewServer(router)
	defer server.Close()
	response, err := server.Client().Get(server.URL + "/half")
	if err == nil {
		_, err = io.ReadAll(response.Body)
		_ = response.Body.Close()
	}
	require.Error(t, err, "the client must see that the answer is not whole")
	require.Contains(t, log.String(), "the disk went away")
}

func TestRetryAfterIsRoundedUp(t *testing.T) {
	t.Parallel()
	router, _ := newServer(t, reply.TooMany.After(1200*time.Millisecond))
	require.Equal(t, "2", ask(router, http.MethodGet, "/gin", "").Header().Get("Retry-After"))
	require.Equal(t, "2", ask(router, http.MethodPost, "/huma", `{"password":"long enough"}`).Header().Get("Retry-After"))
}

func TestTheDocumentNamesOurProblem(t *testing.T) {
	t.Parallel()
	router, _ := newServer(t, nil)
	w := ask(router, http.MethodGet, "/openapi.json", "")
	require.Contains(t, w.Body.String(), `"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"`)
	require.NotContains(t, w.Body.String(), "ErrorModel")
}

func TestTypesOfOneNameLiveSideBySide(t *testing.T) {
	t.Parallel()
	type Problem struct {
		Own string `json:"own"`
	}
	schemas := reply.Config("Test", "1").Components.Schemas
	require.Equal(t, "#/components/schemas/Problem", schemas.Schema(reflect.TypeFor[reply.Problem](), true, "").Ref)
	require.Equal(t, "#/components/schemas/Reply_testProblem", schemas.Schema(reflect.TypeFor[*Problem](), true, "").Ref)
	require.Equal(t, "#/components/schemas/Problem", schemas.Schema(reflect.TypeFor[huma.ErrorModel](), true, "").Ref)
}
