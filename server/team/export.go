package team

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

const (
	// exportStep is how many rows are in memory at a time, and exportMost how
	// many an export has.
	exportStep = 1000
	exportMost = 1_000_000
	// exportPatience is how long a client may take to read one step.
	exportPatience = time.Minute
)

// Export is GET /api/audit/export?format=csv or json, with the filters of the
// list. It is streamed, the newest first.
func (a *API) Export(c *gin.Context) error {
	ctx := c.Request.Context()
	account, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return err
	}
	filter, err := filterOf(c)
	if err != nil {
		return err
	}
	format := c.Query("format")
	if format != "csv" && format != "json" {
		return reply.Invalid.At("query.format")
	}
	q := filter.query(account)
	q.Limit = exportStep
	rows, err := a.catalog.AuditLog(ctx, q)
	if err != nil {
		return err
	}
	err = a.catalog.AuditAlone(ctx, record.Audit{WorkspaceID: account.WorkspaceID, Action: record.AuditExported, Detail: map[string]string{"format": format}})
	if err != nil {
		return err
	}
	h := c.Writer.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", `attachment; filename="meanwhile-audit-`+time.Now().UTC().Format(time.DateOnly)+"."+format+`"`)
	var sheet writer = newJSONSheet(c.Writer)
	h.Set("Content-Type", "application/json")
	if format == "csv" {
		h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
		sheet = newCSVSheet(c.Writer)
	}
	c.Status(http.StatusOK)
	return a.stream(ctx, c.Writer, sheet, q, rows)
}

// writer writes lines of the log in some format.
type writer interface {
	write(entries []AuditEntry) error
	end() error
}

// stream writes rows and all that follow them. An error cuts the line: half a
// log must not look like a whole one.
func (a *API) stream(ctx context.Context, w http.ResponseWriter, sheet writer, q record.AuditQuery, rows []record.AuditRow) error {
	line := http.NewResponseController(w)
	for written := 0; ; {
		if err := line.SetWriteDeadline(time.Now().Add(exportPatience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		entries := make([]AuditEntry, len(rows))
		for i := range rows {
			entries[i] = entry(&rows[i])
		}
		if err := sheet.write(entries); err != nil {
			return err
		}
		written += len(rows)
		if len(rows) < q.Limit || written >= exportMost {
			break
		}
		q.Before = &rows[len(rows)-1]
		var err error
		if rows, err = a.catalog.AuditLog(ctx, q); err != nil {
			return err
		}
	}
	return sheet.end()
}

func filterOf(c *gin.Context) (Filter, error) {
	f := Filter{Action: c.Query("action"), Account: c.Query("account"), Video: c.Query("video")}
	for name, at := range map[string]*time.Time{"since": &f.Since, "until": &f.Until} {
		text := c.Query(name)
		if text == "" {
			continue
		}
		parsed, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return f, reply.Invalid.At("query." + name)
		}
		*at = parsed
	}
	return f, nil
}

// jsonSheet writes one array.
type jsonSheet struct {
	w     io.Writer
	begun bool
}

func newJSONSheet(w io.Writer) *jsonSheet { return &jsonSheet{w: w} }

func (s *jsonSheet) write(entries []AuditEntry) error {
	for _, e := range entries {
		raw, err := json.Marshal(e)
		if err != nil {
			return err
		}
		before := ",\n"
		if !s.begun {
			before, s.begun = "[\n", true
		}
		if _, err := s.w.Write(append([]byte(before), raw...)); err != nil {
			return err
		}
	}
	return nil
}

func (s *jsonSheet) end() error {
	text := "\n]\n"
	if !s.begun {
		text = "[]\n"
	}
	_, err := io.WriteString(s.w, text)
	return err
}

// csvSheet writes CSV (RFC 4180): CRLF, quotes where needed, one header.
type csvSheet struct {
	w     *csv.Writer
	begun bool
}

func newCSVSheet(w io.Writer) *csvSheet {
	s := &csvSheet{w: csv.NewWriter(w)}
	s.w.UseCRLF = true
	return s
}

func (s *csvSheet) write(entries []AuditEntry) error {
	if !s.begun {
		s.begun = true
		if err := s.w.Write([]string{"at", "action", "actor", "actor_email", "actor_id", "address", "video", "video_id", "detail"}); err != nil {
			return err
		}
	}
	for _, e := range entries {
		detail, err := json.Marshal(e.Detail)
		if err != nil {
			return err
		}
		cells := []string{
			e.At.Format(time.RFC3339Nano), e.Action, e.Actor.Name, e.Actor.Email, e.Actor.ID, e.Actor.Address, e.Video.Title, e.Video.ID, string(detail),
		}
		for i := range cells {
			cells[i] = inert(cells[i])
		}
		if err := s.w.Write(cells); err != nil {
			return err
		}
	}
	s.w.Flush()
	return s.w.Error()
}

func (s *csvSheet) end() error { return nil }

// inert keeps a cell from being taken for a formula by a spreadsheet: what
// begins like one, also behind spaces and in full width, gets an apostrophe in
// front (https://owasp.org/www-community/attacks/CSV_Injection).
func inert(cell string) string {
	begin := strings.TrimLeft(cell, " \u00a0\ufeff")
	if first, _ := utf8.DecodeRuneInString(begin); begin != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + cell
	}
	return cell
}
