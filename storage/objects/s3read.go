package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
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

const (
	// steadyTime is how long an object keeps its presigned address: what a browser
	// has, it need not fetch again under another name.
	steadyTime = 15 * time.Second
	// signedBefore is how much older an address is made: a store takes none of a time
	// that has not come yet, and its clock is known to a second or two.
	signedBefore = 5 * time.Second
	// firstAnswer is how long the store may take to tell its time.
	firstAnswer = 2 * time.Second
)

// Presign implements Presigner. Nothing is asked of S3 for it, but its time, if it has
// not answered anything yet. It signs as if it were the last full quarter of a minute,
// so that every server gives an object the same address for that long.
func (s *S3) Presign(ctx context.Context, key string, ttl time.Duration, headers http.Header) (string, error) {
	name, err := s.key(key)
	if err != nil {
		return "", err
	}
	keys, err := s.client.Options().Credentials.Retrieve(ctx)
	if err != nil {
		return "", explain(ctx, "presign", fmt.Errorf("%w: no keys: %w", ErrUnavailable, err))
	}
	ttl = min(max(ttl, 2*steadyTime), MaxPresign)
	query := url.Values{"X-Amz-Expires": {strconv.Itoa(int(ttl.Seconds()))}}
	for _, header := range []string{"Content-Type", "Content-Disposition", "Cache-Control"} {
		if value := headers.Get(header); value != "" {
			query.Set("response-"+strings.ToLower(header), value)
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.bucket, http.NoBody)
	if err != nil {
		return "", fmt.Errorf("objects: presign: %w", err)
	}
	below := strings.TrimSuffix(request.URL.Path, "/") + "/"
	request.URL.Path, request.URL.RawPath, request.URL.RawQuery = below+*name, below+escapePath(*name), query.Encode()
	signed, _, err := s.signer.PresignHTTP(ctx, keys, request, unsigned, "s3", s.place.region, s.now(ctx, key).Add(-signedBefore).Truncate(steadyTime))
	if err != nil {
		return "", fmt.Errorf("objects: presign: %w", err)
	}
	return signed, nil
}

// now is the time by the clock of S3, by which addresses end.
func (s *S3) now(ctx context.Context, key string) time.Time {
	if !s.line.clock.Known() {
		ctx, cancel := context.WithTimeout(ctx, firstAnswer)
		defer cancel()
		_, _ = s.Size(ctx, key) // any answer will do; if there is none, our own clock has to
	}
	return s.line.clock.Now()
}

// unsigned stands for a body that is not part of what is signed.
const unsigned = "UNSIGNED-PAYLOAD"

// escapePath writes a key as S3 wants it signed: everything but letters, digits and
// -._~ is escaped.
func escapePath(key string) string {
	elements := strings.Split(key, "/")
	for i, element := range elements {
		elements[i] = strings.ReplaceAll(url.QueryEscape(element), "+", "%20")
	}
	return strings.Join(elements, "/")
}

// Origin implements Presigner.
func (s *S3) Origin() string {
	u, err := url.Parse(s.bucket)
	if err != nil {
		return "" // openS3 has parsed it
	}
	return u.Scheme + "://" + u.Host
}
