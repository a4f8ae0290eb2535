// Package telemetry sends traces to where an operator wants them: a collector that
// speaks OTLP over HTTP. Without an address nothing of it runs.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/meanwhile-app/meanwhile/storage/trace"
)

// Options say where traces go, and whose they are.
type Options struct {
	// Endpoint is the collector's address, as in OTEL_EXPORTER_OTLP_ENDPOINT; "" for none.
	Endpoint string
	// Kind is "server" or "worker".
	Kind, Version string
	Log           *slog.Logger
}

// flushTime is how long the last spans may take to get away.
const flushTime = 5 * time.Second

// Open begins to send. The Tracer is nil without an address. Close sends what is left.
//
// Headers, time-outs, sampling and further attributes are those of the usual
// OTEL_ variables, which the library reads: OTEL_EXPORTER_OTLP_HEADERS,
// OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES and their like.
func Open(ctx context.Context, o Options) (tracer *trace.Tracer, closeAll func(), err error) {
	if o.Endpoint == "" {
		return nil, func() {}, nil
	}
	to, err := url.Parse(o.Endpoint)
	if err != nil || to.Host == "" || to.Scheme != "http" && to.Scheme != "https" {
		return nil, nil, errors.New("MEANWHILE_OTLP_ENDPOINT is not an address like http://collector:4318")
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(to.JoinPath("v1", "traces").String()))
	if err != nil {
		return nil, nil, fmt.Errorf("traces: %w", err)
	}
	// A collector that is away is no reason to fill the log, and never one to stop.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { o.Log.Debug("traces are not taken", "error", err) }))
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(describe(ctx, o)))
	o.Log.Info("traces are sent", "to", to.Host)
	return trace.New(provider), func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			o.Log.Warn("the last traces were not taken", "error", err)
		}
	}, nil
}

func describe(ctx context.Context, o Options) *resource.Resource {
	host, _ := os.Hostname() // an empty name says enough
	mine := resource.NewSchemaless(
		attribute.String("service.name", "meanwhile-"+o.Kind), attribute.String("service.namespace", "meanwhile"),
		attribute.String("service.version", o.Version), attribute.String("host.name", host), attribute.Int("process.pid", os.Getpid()),
	)
	given, err := resource.New(ctx, resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		o.Log.Warn("OTEL_RESOURCE_ATTRIBUTES cannot be read", "error", err)
	}
	all, err := resource.Merge(mine, given)
	if err != nil {
		return mine
	}
	return all
}
