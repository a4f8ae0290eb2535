package objects

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

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
