package team

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// AuditEntry is one line of the audit log.
type AuditEntry struct {
	ID     string            `json:"id"`
	At     time.Time         `json:"at"`
	Action string            `json:"action" doc:"What was done, e.g. video.shared"`
	Actor  AuditActor        `json:"actor"`
	Video  AuditVideo        `json:"video"`
	Detail map[string]string `json:"detail" nullable:"false"`
}

// AuditActor is who did it.
type AuditActor struct {
	ID      string `json:"id" doc:"The account; empty for guests and for the server itself"`
	Name    string `json:"name"`
	Email   string `json:"email"`
	Address string `json:"address" doc:"The network it came from"`
}

// AuditVideo is the video it was done to, as it was called then.
type AuditVideo struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

func entry(r *record.AuditRow) AuditEntry {
	detail := r.Detail
	if detail == nil {
		detail = map[string]string{}
	}
	return AuditEntry{
		ID: r.ID, At: r.At.UTC(), Action: string(r.Action), Detail: detail, Video: AuditVideo{r.VideoID, r.VideoTitle},
		Actor: AuditActor{ID: r.ActorID, Name: r.Actor, Email: r.ActorEmail, Address: r.Address},
	}
}

// Filter chooses lines of the log.
type Filter struct {
	Action  string    `query:"action" maxLength:"60" doc:"One action, e.g. video.shared"`
	Account string    `query:"account" maxLength:"64" doc:"Who did it"`
	Video   string    `query:"video" maxLength:"64"`
	Since   time.Time `query:"since" doc:"From this time on"`
	Until   time.Time `query:"until" doc:"Before this time"`
}

// query is the filter for the workspace that the account looks after and works
// in.
func (f Filter) query(account *people.Account) record.AuditQuery {
	plain := func(text string) string { return strings.ReplaceAll(text, "\x00", "") } // which SQL text cannot hold
	return record.AuditQuery{
		WorkspaceID: account.WorkspaceID, Action: record.Action(plain(f.Action)), AccountID: plain(f.Account), VideoID: plain(f.Video),
		Since: f.Since, Until: f.Until,
	}
}

// AuditInput asks for a page of the log.
type AuditInput struct {
	Filter
	Cursor string `query:"cursor" maxLength:"200" doc:"next_cursor of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// AuditOutput is a page of the log, the newest first.
type AuditOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Items      []AuditEntry `json:"items" nullable:"false"`
		NextCursor *string      `json:"next_cursor"`
	}
}

// Audit is GET /api/audit: the log of the workspace that the account works in,
// for its admins.
func (a *API) Audit(ctx context.Context, in *AuditInput) (*AuditOutput, error) {
	account, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	q := in.query(account)
	q.Limit = in.Limit + 1
	if in.Cursor != "" {
		if q.Before, err = parseCursor(in.Cursor); err != nil {
			return nil, err
		}
	}
	rows, err := a.catalog.AuditLog(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &AuditOutput{CacheControl: "no-store"}
	out.Body.Items = []AuditEntry{}
	for i := range rows[:min(len(rows), in.Limit)] {
		out.Body.Items = append(out.Body.Items, entry(&rows[i]))
	}
	if len(rows) > in.Limit {
		out.Body.NextCursor = new(cursor(&rows[in.Limit-1]))
	}
	return out, nil
}

type place struct {
	At int64  `json:"t"`
	ID string `json:"i"`
}

func cursor(r *record.AuditRow) string {
	raw, _ := json.Marshal(place{r.At.UnixMicro(), r.ID}) // a number and a string always marshal
	return base64.RawURLEncoding.EncodeToString(raw)
}

func parseCursor(text string) (*record.AuditRow, error) {
	var p place
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &p)
	}
	if err != nil || p.ID == "" || strings.ContainsRune(p.ID, 0) {
		return nil, reply.New(http.StatusUnprocessableEntity, "cursor", "This page marker is not one of ours; start from the first page.").At("query.cursor")
	}
	return &record.AuditRow{At: time.UnixMicro(p.At).UTC(), ID: p.ID}, nil
}
