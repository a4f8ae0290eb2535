package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// ranged reads bytes [at, end) of an object. When the line breaks in the middle
// it asks for what is missing: objects never change.
type ranged struct {
	ctx     context.Context //nolint:containedctx // bound to one read, as io.Reader has no place for it
	s3      *S3
	name    *string
	at, end int64
	body    io.ReadCloser
	broken  int
}

func (r *ranged) open() error {
	out, err := r.s3.client.GetObject(r.ctx, &s3.GetObjectInput{
		Bucket: &r.s3.place.bucket, Key: r.name, Range: aws.String(fmt.Sprintf("bytes=%d-%d", r.at, r.end-1)),
	})
	if err != nil {
		err = explain(r.ctx, "read", err)
		if errors.Is(err, errBeyond) {
			r.end = r.at // shorter than it should be: the reader sees its end
			return nil
		}
		return err
	}
	last, ok := contentRange(aws.ToString(out.ContentRange), r.at)
	if !ok {
		_ = out.Body.Close()
		return fmt.Errorf("%w: asked for bytes %d-%d it answers with %q", ErrUnavailable, r.at, r.end-1, aws.ToString(out.ContentRange))
	}
	r.end = min(r.end, last+1)
	r.body = out.Body
	return nil
}

// contentRange reads the last byte of an answer that begins at first (RFC 9110,
// section 14.4).
func contentRange(header string, first int64) (last int64, ok bool) {
	rest, ok := strings.CutPrefix(header, "bytes "+strconv.FormatInt(first, 10)+"-")
	if !ok {
		return 0, false
	}
	number, _, _ := strings.Cut(rest, "/")
	last, err := strconv.ParseInt(number, 10, 64)
	return last, err == nil && last >= first
}

// Read implements io.Reader.
func (r *ranged) Read(p []byte) (int, error) {
	if r.at >= r.end {
		return 0, io.EOF
	}
	if r.body == nil {
		if err := r.open(); err != nil {
			return 0, err
		}
		if r.at >= r.end {
			return 0, io.EOF
		}
	}
	n, err := r.body.Read(p[:min(int64(len(p)), r.end-r.at)])
	r.at += int64(n)
	if n > 0 {
		r.broken = 0
	}
	if err == nil || r.at == r.end {
		return n, nil
	}
	return n, r.again(err)
}

// again drops the broken body; the next Read opens another, unless that has
// been tried often enough.
func (r *ranged) again(err error) error {
	_ = r.body.Close() // it is broken already
	r.body = nil
	if r.broken++; r.broken < attempts && r.ctx.Err() == nil {
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return explain(r.ctx, "read", err)
}

// Close implements io.Closer.
func (r *ranged) Close() error {
	if r.body == nil {
		return nil
	}
	err := r.body.Close()
	r.body = nil
	r.end = r.at
	return err
}

// steadyTime is how long an object keeps its presigned address: what a browser
// has, it need not fetch again under another name.
const steadyTime = 15 * time.Second

// Presign implements Presigner. Nothing is asked of S3 for it.
func (s *S3) Presign(ctx context.Context, key string, ttl time.Duration, headers http.Header) (string, error) {
	name, err := s.key(key)
	if err != nil {
		return "", err
	}
	in := &s3.GetObjectInput{
		Bucket: &s.place.bucket, Key: name,
		ResponseContentType: header(headers, "Content-Type"), ResponseContentDisposition: header(headers, "Content-Disposition"), ResponseCacheControl: header(headers, "Cache-Control"),
	}
	out, err := s.presign.PresignGetObject(ctx, in, s3.WithPresignExpires(min(max(ttl, 2*steadyTime), MaxPresign)))
	if err != nil {
		return "", fmt.Errorf("objects: presign: %w", err)
	}
	return out.URL, nil
}

func header(h http.Header, name string) *string {
	if value := h.Get(name); value != "" {
		return &value
	}
	return nil
}

// Origin implements Presigner.
func (s *S3) Origin() string { return s.origin }

// steady signs as if it were the last full quarter of a minute, so that every
// server gives an object the same address for that long.
type steady struct{ signer *v4.Signer }

func newSteady() *steady {
	return &steady{signer: v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })}
}

// PresignHTTP implements s3.HTTPPresignerV4.
//
//nolint:revive // the SDK's interface has this many parameters
func (s *steady) PresignHTTP(ctx context.Context, keys aws.Credentials, r *http.Request, hash, service, region string, at time.Time, options ...func(*v4.SignerOptions)) (string, http.Header, error) {
	return s.signer.PresignHTTP(ctx, keys, r, hash, service, region, at.Truncate(steadyTime), options...)
}
