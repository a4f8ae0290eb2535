// Package trace follows a video on its way through servers, workers and stores, as
// OpenTelemetry does: the way is a trace, each step a span in it.
//
// Nothing here is global. Where a way begins – a request, a job – a Tracer makes the
// first span of this process; whatever happens below asks the context, which knows
// whether anybody listens. Without a Tracer all of it costs a look at the context.
// A trace passes from one process to the next as a traceparent (W3C Trace Context),
// in a header, in a record, in a job.
package trace

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// scope is the name under which our spans are found.
const scope = "github.com/meanwhile-app/meanwhile"

// Header is the name of a traceparent in HTTP.
const Header = "Traceparent"

// Tracer makes the first span of this process. The nil Tracer makes none.
type Tracer struct{ provider trace.TracerProvider }

// New makes a Tracer whose spans go where the provider sends them.
func New(provider trace.TracerProvider) *Tracer { return &Tracer{provider} }

// On says that somebody listens.
func (t *Tracer) On() bool { return t != nil }

// Span is a step on the way.
type Span struct{ span trace.Span }

// Origin is where a first span of a process comes from.
type Origin struct {
	// Parent is the traceparent that it belongs below, Link one that has to do with
	// it; either may be "".
	Parent, Link string
	// Entry says that it answers a request, and not a job.
	Entry bool
}

// Begin starts the first span of this process.
func (t *Tracer) Begin(ctx context.Context, name string, from Origin, attributes ...Attribute) (context.Context, Span) {
	if t == nil {
		return Carry(ctx, from.Parent), Span{noop.Span{}}
	}
	kind := trace.SpanKindConsumer
	if from.Entry {
		kind = trace.SpanKindServer
	}
	options := []trace.SpanStartOption{trace.WithSpanKind(kind), trace.WithAttributes(attributes...)}
	if linked := parse(from.Link); linked.IsValid() && linked.TraceID() != parse(from.Parent).TraceID() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: linked}))
	}
	ctx, span := t.provider.Tracer(scope).Start(Carry(ctx, from.Parent), name, options...)
	return ctx, Span{span}
}

// Start starts a span below the one of the context; if nobody listens to that one,
// to this neither.
func Start(ctx context.Context, name string, attributes ...Attribute) (context.Context, Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, Span{noop.Span{}}
	}
	ctx, span := parent.TracerProvider().Tracer(scope).Start(ctx, name, trace.WithAttributes(attributes...))
	return ctx, Span{span}
}

// End ends the span; an error marks it as failed.
func (s Span) End(err error) {
	if err != nil {
		s.span.RecordError(err)
		s.span.SetStatus(codes.Error, "")
	}
	s.span.End()
}

// Set notes something of the step.
func (s Span) Set(attributes ...Attribute) { s.span.SetAttributes(attributes...) }

// Event notes a moment in the span of the context.
func Event(ctx context.Context, name string, attributes ...Attribute) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.AddEvent(name, trace.WithAttributes(attributes...))
	}
}

// Parent is the traceparent by which another process goes on with the trace of the
// context; "" if it is in none.
func Parent(ctx context.Context) string {
	s := trace.SpanContextFromContext(ctx)
	if !s.IsValid() {
		return ""
	}
	return fmt.Sprintf("00-%s-%s-%s", s.TraceID(), s.SpanID(), s.TraceFlags()&trace.FlagsSampled)
}

// Carry puts what happens below into the trace of a traceparent, without a span of
// its own. One that is none changes nothing.
func Carry(ctx context.Context, traceparent string) context.Context {
	if parent := parse(traceparent); parent.IsValid() {
		return trace.ContextWithRemoteSpanContext(ctx, parent)
	}
	return ctx
}

// Within is Carry for what is in no trace yet.
func Within(ctx context.Context, traceparent string) context.Context {
	if trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	return Carry(ctx, traceparent)
}

// parse reads a traceparent: version, trace, span and flags in hexadecimal (W3C Trace
// Context, section 3.2). Later versions may be longer and begin alike.
func parse(traceparent string) trace.SpanContext {
	if traceparent == "" {
		return trace.SpanContext{}
	}
	parts := strings.SplitN(traceparent, "-", 5)
	if len(parts) < 4 || len(parts[0]) != 2 || parts[0] == "ff" || parts[0] == "00" && len(parts) > 4 {
		return trace.SpanContext{}
	}
	id, wrong := trace.TraceIDFromHex(parts[1])
	span, wrongToo := trace.SpanIDFromHex(parts[2])
	flags, wrongFlags := hex.DecodeString(parts[3])
	if wrong != nil || wrongToo != nil || wrongFlags != nil || len(flags) != 1 {
		return trace.SpanContext{}
	}
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: span, TraceFlags: trace.TraceFlags(flags[0]) & trace.FlagsSampled, Remote: true})
}

// Attribute is something to know of a step.
type Attribute = attribute.KeyValue

// Text is an attribute in words.
func Text(key, value string) Attribute { return attribute.String(key, value) }

// Number is an attribute that counts.
func Number(key string, value int64) Attribute { return attribute.Int64(key, value) }

// Measure is an attribute that was measured; its key names the unit.
func Measure(key string, value float64) Attribute { return attribute.Float64(key, value) }
