package trace_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/meanwhile-app/meanwhile/storage/trace"
)

const incoming = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func listen(t *testing.T) (*trace.Tracer, *tracetest.SpanRecorder) {
	t.Helper()
	heard := tracetest.NewSpanRecorder()
	return trace.New(sdk.NewTracerProvider(sdk.WithSpanProcessor(heard))), heard
}

func TestATraceGoesOnInAnotherProcess(t *testing.T) {
	t.Parallel()
	server, heard := listen(t)
	ctx, first := server.Begin(t.Context(), "POST /api/videos", trace.Origin{Parent: incoming, Entry: true})
	kept := trace.Parent(ctx)
	first.End(nil)
	worker, later := listen(t)
	ctx, job := worker.Begin(t.Context(), "job span", trace.Origin{Parent: kept, Link: "00-11111111111111111111111111111111-b7ad6b7169203331-01"}, trace.Number("attempt", 2))
	below, run := trace.Start(ctx, "ffmpeg")
	trace.Event(below, "playable")
	run.Set(trace.Measure("cpu_seconds", 1.5))
	run.End(errors.New("disk"))
	job.End(nil)
	spans := append(heard.Ended(), later.Ended()...)
	require.Len(t, spans, 3)
	for _, s := range spans {
		require.Equal(t, "0af7651916cd43dd8448eb211c80319c", s.SpanContext().TraceID().String())
	}
	require.Equal(t, "b7ad6b7169203331", spans[0].Parent().SpanID().String())
	require.Equal(t, spans[0].SpanContext().SpanID(), spans[2].Parent().SpanID(), "the job is below the request")
	require.Equal(t, spans[2].SpanContext().SpanID(), spans[1].Parent().SpanID())
	require.Equal(t, codes.Error, spans[1].Status().Code)
	require.Equal(t, "playable", spans[1].Events()[0].Name)
	require.Len(t, spans[2].Links(), 1)
}

// TestWithoutATracer a trace is still passed on, and nothing else happens.
func TestWithoutATracer(t *testing.T) {
	t.Parallel()
	var off *trace.Tracer
	require.False(t, off.On())
	ctx, span := off.Begin(t.Context(), "x", trace.Origin{Parent: incoming})
	span.Set(trace.Text("a", "b"))
	span.End(errors.New("x"))
	require.Equal(t, incoming, trace.Parent(ctx))
	_, below := trace.Start(ctx, "y")
	below.End(nil)
	trace.Event(ctx, "z")
	ctx, _ = off.Begin(t.Context(), "x", trace.Origin{})
	require.Empty(t, trace.Parent(ctx))
}

func TestWithoutATracerNothingIsAllocated(t *testing.T) { //nolint:paralleltest // it counts allocations of the process
	var off *trace.Tracer
	ctx := t.Context()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		ctx, span := off.Begin(ctx, "x", trace.Origin{})
		_, below := trace.Start(ctx, "y")
		trace.Event(ctx, "z")
		below.End(nil)
		span.End(nil)
	}))
}

func TestWhatIsNoTraceparentChangesNothing(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{
		"", "x", "00-0-0-01", strings.ToUpper(incoming[:10]) + incoming[10:], incoming + "-more", "ff" + incoming[2:], incoming[:53] + "zz", incoming[:53] + "0101",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", strings.Repeat("-", 1<<16),
	} {
		require.Empty(t, trace.Parent(trace.Carry(t.Context(), wrong)), wrong)
	}
	require.Equal(t, incoming, trace.Parent(trace.Carry(t.Context(), "cc"+incoming[2:]+"-future")))
	require.Equal(t, incoming, trace.Parent(trace.Carry(trace.Carry(t.Context(), incoming), "wrong")))
}

func TestLinesOfTheLogNameTheirTrace(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(trace.Logs(slog.NewJSONHandler(&out, nil))).With("a", 1)
	log.InfoContext(trace.WithRequest(trace.Carry(t.Context(), incoming), "req-1"), "hello")
	require.Contains(t, out.String(), `"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","request_id":"req-1"`)
	out.Reset()
	log.WithGroup("g").InfoContext(context.Background(), "hello")
	require.NotContains(t, out.String(), "trace_id")
}
