package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/cmd/meanwhile/doctor"
)

// say writes bytes to the server as they are and reads the statuses of all that
// it answers until it closes the line, or falls silent after as many as are wanted.
func say(t *testing.T, addr, bytes string, wanted int) []int {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer conn.Close()
	go func() { _, _ = io.Copy(conn, strings.NewReader(bytes)) }() // the server may stop reading
	var statuses []int
	for r := bufio.NewReader(conn); ; {
		wait := testTime
		if len(statuses) >= wanted {
			wait = 700 * time.Millisecond
		}
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(wait)))
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			return statuses
		}
		statuses = append(statuses, response.StatusCode)
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return statuses
		}
	}
}

// TestTheLineIsReadStrictly: requests that a proxy in front could read otherwise
// than we do are refused or end the line; nothing that stands in a body is ever
// taken for a request (request smuggling).
func TestTheLineIsReadStrictly(t *testing.T) {
	t.Parallel()
	l := serveLogged(t, t.TempDir())
	addr := l.value(t, "listening", "addr")
	const smuggled = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	post := func(headers, body string) string {
		return "POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + headers + "\r\n\r\n" + body
	}
	refused := []int{400}
	rows := []struct {
		name, bytes string
		want        []int
	}{
		{"two lengths", post("Content-Length: 2\r\nContent-Length: 30", "{}"+smuggled), refused},
		{"a list of lengths", post("Content-Length: 2, 30", "{}"+smuggled), refused},
		{"a negative length", post("Content-Length: -1", smuggled), refused},
		{"a signed length", post("Content-Length: +2", "{}"+smuggled), refused},
		{"a hexadecimal length", post("Content-Length: 0x2", "{}"+smuggled), refused},
		{"space before the colon", post("Content-Length : 2", "{}"+smuggled), refused},
		{"a folded header", post("X: a\r\n Content-Length: 2\r\nContent-Length: 0", ""), []int{400}},
		{"an unknown coding", post("Transfer-Encoding: xchunked", smuggled), []int{501}},
		{"two codings", post("Transfer-Encoding: gzip, chunked", smuggled), []int{501}},
		{"two coding headers", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", smuggled), []int{501}},
		{"a bad chunk", post("Transfer-Encoding: chunked", "zz\r\n"+smuggled), refused},
		{"a chunk that overflows", post("Transfer-Encoding: chunked", "fffffffffffffffff\r\n"+smuggled), refused},
		{"NUL in a header", post("X: a\x00b\r\nContent-Length: 2", "{}"), refused},
		{"NUL in the path", "GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n", refused},
		{"no host", "GET /healthz HTTP/1.1\r\n\r\n", refused},
		{"two hosts", "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", refused},
		{"another protocol", "GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n", []int{505}},
		{"an early HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{404}},
		{"headers without end", "GET /healthz HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: "+strings.Repeat("a", 1000)+"\r\n", 90), []int{431}},
		{"a path without end", "GET /" + strings.Repeat("a", 90_000) + " HTTP/1.1\r\nHost: x\r\n\r\n", []int{431}},
		{"a huge body", post("Content-Length: 1073741824", strings.Repeat(" ", 2<<20)), []int{413}},
		{"a huge body in chunks", post("Transfer-Encoding: chunked", strings.Repeat("100000\r\n"+strings.Repeat(" ", 1<<20)+"\r\n", 3)), []int{413}},
		{"deep JSON", post("Content-Length: 60000", strings.Repeat("[", 60_000)), refused},
		{"a packed body", post("Content-Encoding: gzip\r\nContent-Length: 2", "{}"), []int{415}},
		// The chunks say where the body ends, whatever length is claimed beside them
		// (RFC 9112, section 6.3); what follows is its sender's own next request.
		{"length and chunks", post("Content-Length: 3\r\nTransfer-Encoding: chunked", "2\r\n{}\r\n0\r\n\r\n"), []int{422}},
		{"control: two requests", post("Content-Length: 2", "{}") + smuggled, []int{422, 200}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, row.want, say(t, addr, row.bytes, len(row.want)))
		})
	}
}

// TestSecretsStayOutOfTheLog sends every kind of secret the ways that they go, and
// some that they should not, with the log at its most talkative.
func TestSecretsStayOutOfTheLog(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	l := serveLogged(t, data, "MEANWHILE_LOG_LEVEL=debug")
	url := "http://" + l.value(t, "listening", "addr")
	const canary = "canary0secret"
	_, err := program(t, data, canary+" battery staple\n", "user", "add", "--email", "ada@example.com", "--name", "Ada", "--role", "owner")
	require.NoError(t, err)
	token, err := program(t, data, "", "token", "add", "--email", "ada@example.com", "--scope", "admin")
	require.NoError(t, err)
	asked := 0
	ask := func(method, path, body string, header ...string) {
		req, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		response, err := http.DefaultTransport.RoundTrip(req)
		require.NoError(t, err)
		answer, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		response.Body.Close()
		require.NotContains(t, string(answer), canary, "%s %s", method, path)
		asked++
	}
	for _, password := range []string{canary + " battery staple", canary + " wrong", canary + `\u0000`} {
		for at, body := range map[string]string{
			"POST /api/session":            `{"email":"ada@example.com","password":"P"}`,
			"POST /api/setup":              `{"token":"T","name":"x","email":"x@example.com","password":"P"}`,
			"POST /api/invitations/accept": `{"token":"T","name":"x","email":"x@example.com","password":"P"}`,
			"PUT /api/account/password":    `{"old":"P","new":"P"}`,
		} {
			method, path, _ := strings.Cut(at, " ")
			ask(method, path, strings.NewReplacer(`"P"`, `"`+password+`"`, `"T"`, `"`+canary+`"`).Replace(body), "Authorization", "Bearer "+token)
		}
	}
	ask("POST", "/api/invitations/lookup", `{"token":"`+canary+`"}`)
	ask("POST", "/api/session", `{"email":"`+canary+`","password":{`)
	for _, path := range []string{"/invite/" + canary, "/setup?token=" + canary, "/media/" + canary + "/x/source", "/v/" + canary, "/api/videos?q=" + canary, "/nowhere?password=" + canary} {
		ask("GET", path, "", "Authorization", "Bearer "+canary)
		ask("GET", path, "", "Cookie", "meanwhile_session="+canary, "Referer", "http://localhost/invite/"+canary)
	}
	ask("GET", "/api/session", "", "Authorization", "Bearer "+token)
	require.Greater(t, asked, 20)
	all := l.stop(t)
	require.NotContains(t, all, canary)
	require.NotContains(t, all, token)
	require.Contains(t, all, `"listening"`)
}

func TestWhatOthersCouldRead(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	require.NoError(t, os.Chmod(data, 0o755))
	l := serveLogged(t, data)
	l.value(t, "listening", "addr")
	config := &Config{Data: data}
	require.Empty(t, exposed(config), "what the server makes is closed")
	require.Equal(t, doctor.Fine, doctor.ExaminePrivacy(exposed(config)).Status)
	require.NotContains(t, l.stop(t), "other users of this machine")

	open := filepath.Join(data, "meanwhile.db.backup")
	require.NoError(t, os.WriteFile(open, nil, 0o600))
	require.NoError(t, os.Chmod(open, 0o644))
	require.Equal(t, []string{open}, exposed(config))
	require.Contains(t, doctor.ExaminePrivacy(exposed(config)).Detail, open)
	l = serveLogged(t, data)
	l.value(t, "listening", "addr")
	require.Contains(t, l.stop(t), "other users of this machine")

	require.NoError(t, os.Chmod(data, 0o700))
	require.Empty(t, exposed(config), "nobody gets there")
	require.NoError(t, os.Chmod(data, 0o777))
	require.Contains(t, exposed(config), data)
	config.TLS.Key = open
	require.Contains(t, exposed(config), open)
}
