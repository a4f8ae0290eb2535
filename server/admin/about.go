package admin

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/jobs"
)

// Versions are what runs here.
type Versions struct {
	Meanwhile    string `json:"meanwhile"`
	Go           string `json:"go"`
	FFmpeg       string `json:"ffmpeg" doc:"Empty where this server converts nothing"`
	Sandbox      string `json:"sandbox" doc:"How well ffmpeg is contained here; empty where this server converts nothing"`
	Database     string `json:"database"`
	Schema       int64  `json:"schema" doc:"The version of the tables"`
	LatestSchema int64  `json:"latest_schema" doc:"The version that this server knows"`
	Objects      string `json:"objects"`
}

// Check is one look at the installation, with what to do if it is not well.
type Check struct {
	Name   string `json:"name"`
	Status string `json:"status" enum:"ok,warn,fail"`
	Detail string `json:"detail"`
	Advice string `json:"advice" doc:"What to do; empty if all is well"`
}

// About is what runs here, and how it is.
type About struct {
	Versions Versions `json:"versions"`
	Checks   []Check  `json:"checks" nullable:"false"`
}

// AboutOutput is what runs here, and how it is.
type AboutOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         About
}

// The grades of a check.
const (
	fine    = "ok"
	warning = "warn"
	failure = "fail"
)

// ReadAbout is GET /api/admin/about.
func (a *API) ReadAbout(ctx context.Context, _ *struct{}) (*AboutOutput, error) {
	records, err := a.Census.Database(ctx)
	if err != nil {
		return nil, err
	}
	out := &AboutOutput{CacheControl: noStore}
	out.Body.Versions = Versions{
		Meanwhile: a.Version, Go: runtime.Version(), Sandbox: a.Sandbox, Objects: a.Objects,
		Database: records.Kind, Schema: records.Schema, LatestSchema: records.Latest,
	}
	out.Body.Versions.FFmpeg = a.ffmpeg(ctx)
	out.Body.Checks = a.ready(ctx)
	if records.Schema > records.Latest {
		out.Body.Checks = append(out.Body.Checks, Check{
			"Schema", warning, fmt.Sprintf("The database is at version %d, this server knows %d.", records.Schema, records.Latest),
			"A newer release runs beside this one. Bring all servers and workers to the same release.",
		})
	}
	out.Body.Checks = append(out.Body.Checks, a.media(ctx))
	work, err := a.work(ctx)
	out.Body.Checks = append(append(out.Body.Checks, work...), a.machine()...)
	return out, err
}

// ffmpeg asks once: it does not change while the server runs.
func (a *API) ffmpeg(ctx context.Context) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.FFmpeg != nil && a.build == "" {
		a.build = a.FFmpeg(ctx)
	}
	return a.build
}

// ready says in words what readiness found.
func (a *API) ready(ctx context.Context) []Check {
	words := map[string][3]string{
		"database": {"Database", "It answers.", "Look whether the database runs and can be reached. The server’s log has the reason."},
		"store":    {"Media store", "It takes and gives back bytes.", "Look whether it is full, and whether it can be reached. The server’s log has the reason."},
	}
	var checks []Check
	found := a.Ready(ctx)
	for _, name := range []string{"database", "store"} {
		check := Check{words[name][0], fine, words[name][1], ""}
		if err := found[name]; err != nil {
			check.Status, check.Detail, check.Advice = failure, "It does not answer as it should.", words[name][2]
		}
		checks = append(checks, check)
	}
	return checks
}

// tooLong is how long a job may wait before operators should look.
const tooLong = 5 * time.Minute

// work says whether jobs are done, and in time.
func (a *API) work(ctx context.Context) ([]Check, error) {
	workers, err := a.Queue.Workers(ctx)
	if err != nil {
		return nil, err
	}
	depths, err := a.Queue.Depths(ctx)
	if err != nil {
		return nil, err
	}
	return []Check{a.staff(workers), a.pace(depths), a.given(ctx)}, nil
}

func (a *API) staff(workers []jobs.Worker) Check {
	now, slots, stale := heard(workers, a.Now()), 0, 0
	for _, w := range workers {
		if now.Sub(w.SeenAt) > staleAfter {
			stale++
		} else {
			slots += w.Slots
		}
	}
	switch {
	case slots == 0:
		return Check{"Workers", failure, "Nobody converts recordings: they are kept and play, but no smaller renditions are made.", "Start a worker, or a server without --workers 0."}
	case stale > 0:
		return Check{"Workers", warning, fmt.Sprintf("Not heard of lately: %d of %d.", stale, len(workers)), "If they were not stopped on purpose, look at their logs. Their jobs are given to others."}
	}
	return Check{"Workers", fine, fmt.Sprintf("At work: %d. Media jobs at once: %d.", len(workers), slots), ""}
}

func (a *API) pace(depths []jobs.Depth) Check {
	var oldest time.Duration
	for _, d := range depths {
		if d.State == "available" && !d.OldestAt.IsZero() {
			oldest = max(oldest, a.Now().Sub(d.OldestAt))
		}
	}
	if oldest > tooLong {
		return Check{"Queues", warning, fmt.Sprintf("A job has waited for %s.", oldest.Truncate(time.Second)), "If that lasts, add workers, or give them more slots."}
	}
	return Check{"Queues", fine, "Nothing waits for long.", ""}
}

// lately is how far back failures are a reason to look.
const lately = 24 * time.Hour

func (a *API) given(ctx context.Context) Check {
	found, err := a.Queue.Failures(ctx, jobs.FailureQuery{Limit: failuresAtOnce})
	if err != nil {
		return Check{"Failures", warning, "They cannot be read.", "The server’s log has the reason."}
	}
	most := ""
	if len(found) == failuresAtOnce {
		most = " or more"
	}
	found = slices.DeleteFunc(found, func(f jobs.Failure) bool { return a.Now().Sub(f.At) > lately })
	if n := len(found); n > 0 {
		return Check{"Failures", warning, fmt.Sprintf("Given up within a day: %d%s.", n, most), "See below for why. What was at fault may have passed: try them again."}
	}
	return Check{"Failures", fine, "Nothing was given up within a day.", ""}
}

// machine says how this very server is.
func (a *API) machine() []Check {
	var checks []Check
	if a.Room != nil {
		check := Check{"Room", fine, "There is room for uploads.", ""}
		if a.Room() != nil {
			check = Check{"Room", failure, "The disk is nearly full: no new uploads are taken here.", "Make room, or move the data to a larger disk."}
		}
		checks = append(checks, check)
	}
	if a.Sandbox != "" {
		check := Check{"Sandbox", fine, "Uploaded media is worked on in a sandbox: " + a.Sandbox + ".", ""}
		if a.Advice != "" {
			check.Status, check.Detail, check.Advice = warning, "ffmpeg is not as well contained as it could be: "+a.Sandbox+".", a.Advice
		}
		checks = append(checks, check)
	}
	return checks
}
