package account

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/departure"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

// exportTime bounds how long a slow reader may take.
const exportTime = 10 * time.Minute

// Export is GET /api/account/export: all that is kept of the account that asks,
// as one JSON document that is written while it is read. Recordings themselves
// are loaded from their pages.
func (a *API) Export(c *gin.Context) error {
	ctx, cancel := context.WithTimeout(c.Request.Context(), exportTime)
	defer cancel()
	account, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return err
	}
	if auth.From(ctx).Session == nil {
		return reply.Forbidden
	}
	stay := departure.New(a.catalog.People)
	if err := stay.NoteExport(ctx, account); err != nil {
		return err
	}
	ways, err := a.Read(ctx, nil)
	if err != nil {
		return err
	}
	tokens, err := a.auth.ListTokens(ctx, nil)
	if err != nil {
		return err
	}
	c.Header("Content-Type", "application/json")
	c.Header("Content-Disposition", `attachment; filename="meanwhile-account.json"`)
	c.Header("Cache-Control", "no-store")
	c.Status(http.StatusOK)
	w := &document{out: c.Writer}
	w.field("exported_at", a.now().UTC())
	w.field("account", auth.View(account))
	w.field("security", ways.Body)
	w.field("api_tokens", tokens.Body.Items)
	list(w, "videos", func(give func(*departure.Video) error) error {
		return stay.Videos(ctx, account.ID, func(v *departure.Video) error {
			v.WatchURL = a.base.JoinPath("v", v.Slug).String()
			return give(v)
		})
	})
	list(w, "comments", func(give func(*departure.Comment) error) error { return stay.Comments(ctx, account.ID, give) })
	list(w, "watched", func(give func(*departure.View) error) error {
		return stay.Viewed(ctx, catalog.ViewerAccount(account.ID), give)
	})
	w.text("}\n")
	return w.err
}

// document writes an object field by field. After an error it writes nothing.
type document struct {
	out   io.Writer
	begun bool
	err   error
}

func (d *document) text(text string) {
	if d.err == nil {
		_, d.err = io.WriteString(d.out, text)
	}
}

func (d *document) value(v any) {
	if d.err != nil {
		return
	}
	raw, err := json.Marshal(v)
	if err != nil {
		d.err = err
		return
	}
	d.text(string(raw))
}

func (d *document) name(name string) {
	if d.begun {
		d.text(",\n")
	} else {
		d.text("{\n")
	}
	d.begun = true
	d.value(name)
	d.text(": ")
}

func (d *document) field(name string, v any) {
	d.name(name)
	d.value(v)
}

// list writes what rows gives, one after the other.
func list[T any](d *document, name string, rows func(give func(*T) error) error) {
	d.name(name)
	d.text("[")
	first := true
	err := rows(func(row *T) error {
		if !first {
			d.text(",\n")
		}
		first = false
		d.value(row)
		return d.err
	})
	if d.err == nil {
		d.err = err
	}
	d.text("]")
}
