package admin

import (
	"context"
	"slices"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/census"
)

// SamplesInput says how far back to look.
type SamplesInput struct {
	Range string `query:"range" enum:"hour,day,week" default:"day" doc:"How far back"`
}

// Series is one value over time.
type Series struct {
	Name string `json:"name" enum:"jobs_waiting,jobs_running,oldest_wait_seconds,recordings,received_bytes,stored_bytes,failures_per_hour,workers"`
	// Values stand at the times of the answer; there is none where nothing was seen.
	Values []*float64 `json:"values" nullable:"false" doc:"One for each time; null where nothing was seen"`
}

// Samples are values over time.
type Samples struct {
	StepS  int64    `json:"step_s" doc:"Seconds between two times; a value is the highest of them, or, of received_bytes, the mean of a minute"`
	Times  []int64  `json:"times" nullable:"false" doc:"Seconds since 1970"`
	Series []Series `json:"series" nullable:"false"`
}

// SamplesOutput are values over time.
type SamplesOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Samples
}

// names are what is shown over time, in the order of the answer.
func names() []census.Name {
	return []census.Name{
		census.JobsWaiting, census.JobsRunning, census.OldestWait, census.Recordings,
		census.Received, census.Stored, census.Failures, census.Workers,
	}
}

// span is how far back a range looks, and in what steps.
func span(name string) (back, step time.Duration) {
	switch name {
	case "hour":
		return time.Hour, time.Minute
	case "week":
		return 7 * 24 * time.Hour, time.Hour
	}
	return 24 * time.Hour, 10 * time.Minute
}

// ReadSamples is GET /api/admin/samples.
func (a *API) ReadSamples(ctx context.Context, in *SamplesInput) (*SamplesOutput, error) {
	back, step := span(in.Range)
	now := a.Now()
	found, err := a.Census.Series(ctx, now.Add(-back), step)
	if err != nil {
		return nil, err
	}
	width := int64(step / time.Second)
	out := Samples{StepS: width, Times: []int64{}, Series: []Series{}}
	for at := now.Add(-back).Unix() / width * width; at <= now.Unix(); at += width {
		out.Times = append(out.Times, at)
	}
	for _, name := range names() {
		out.Series = append(out.Series, Series{Name: string(name), Values: align(out.Times, found[name])})
	}
	return &SamplesOutput{CacheControl: noStore, Body: out}, nil
}

// align puts points at the times they belong to.
func align(times []int64, points []census.Point) []*float64 {
	values := make([]*float64, len(times))
	for _, p := range points {
		if i, ok := slices.BinarySearch(times, p.AtS); ok {
			values[i] = &p.Value
		}
	}
	return values
}
