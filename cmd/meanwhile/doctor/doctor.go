// Package doctor looks at a machine and at what Meanwhile keeps on it, and says
// in words what to do. None of its checks changes anything that is kept.
package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/meanwhile-app/meanwhile/server/notify"
)

// The grades of a finding.
const (
	Fine    = "ok"
	Warning = "warn"
	Failure = "fail"
)

// Finding is what one check found.
type Finding struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Detail string `json:"detail"`
	// Advice says what to do unless all is well.
	Advice string `json:"advice,omitempty"`
}

// ErrUnwell is returned for a report in which something failed.
var ErrUnwell = errors.New("something is not well; see above for what to do")

// Patient is what is looked at.
type Patient struct {
	// FFmpeg and FFprobe are the programs, Sandbox the setting, Scratch the
	// folder they would work in.
	FFmpeg, FFprobe, Sandbox, Scratch string
	// Data is the data folder, Media where recordings lie if that is a folder.
	// MediaErr is what is wrong with that setting.
	Data, Media string
	MediaErr    error
	// Bucket is where recordings lie if that is no folder.
	Bucket *Bucket
	// Database is its address.
	Database string
	// Exposed are files that others can read or change though it is nobody's business.
	Exposed []string
	// Base is where people reach the server, or BaseErr what is wrong with it.
	Base    *url.URL
	BaseErr error
	// TLS are findings about the certificate.
	TLS []Finding
	// Mail sends letters, or MailErr says what is wrong with the setting.
	Mail    *notify.Notify
	MailErr error
	// Server is what listens, or would.
	Server Server
}

// Examine runs every check.
func Examine(ctx context.Context, p Patient) []Finding {
	found := examineFFmpeg(ctx, p)
	found = append(found, examineFolders(p)...)
	if p.Bucket != nil && p.Base != nil {
		found = append(found, examineBucket(ctx, p, time.Now)...)
	}
	found = append(found, examineDatabase(ctx, p.Database)...)
	found = append(found, ExaminePrivacy(p.Exposed), examineClock(p.Database, time.Now()), examineBase(p))
	found = append(found, p.TLS...)
	return append(found, examineMail(ctx, p), examineAddr(ctx, p.Server))
}

// Report prints what was found and returns an error if something failed.
func Report(out io.Writer, found []Finding, asJSON bool) error {
	well := true
	for _, f := range found {
		well = well && f.Status != Failure
	}
	show := table
	if asJSON {
		show = document
	}
	if err := show(out, found, well); err != nil {
		return err
	}
	if !well {
		return ErrUnwell
	}
	return nil
}

func document(out io.Writer, found []Finding, well bool) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		OK     bool      `json:"ok"`
		Checks []Finding `json:"checks"`
	}{well, found})
}

func table(out io.Writer, found []Finding, _ bool) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range found {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", f.Status, f.Name, f.Detail) // Flush tells of errors
		if f.Advice != "" {
			_, _ = fmt.Fprintf(w, "\t\t→ %s\n", f.Advice)
		}
	}
	return w.Flush()
}
