package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/meanwhile-app/meanwhile/storage/clocks"
)

const (
	// attempts is how often a request is sent before it has failed; between them
	// lies a random time that grows to retryDelay.
	attempts   = 3
	retryDelay = 2 * time.Second
	// usualStall is how long a request may make no progress.
	usualStall = 10 * time.Second
	// page is how many keys one request lists or deletes; S3 takes no more.
	page = 1000
)

// S3 keeps objects in a bucket of an S3-compatible store, each under its key
// behind a common prefix. The bucket shows an object only when all of it is
// there, so nothing needs a temporary name.
type S3 struct {
	place  place
	client *s3.Client
	signer *v4.Signer
	bucket string // its address
	line   *line
	blocks sync.Pool
	copies copyLimits
}

func openS3(ctx context.Context, p place, o Options) (*S3, error) {
	stall := o.Stall
	if stall <= 0 {
		stall = usualStall
	}
	s := &S3{place: p, copies: limitsOfS3()}
	s.blocks.New = func() any { return new(block) }
	options := []func(*config.LoadOptions) error{
		config.WithRegion(p.region), config.WithHTTPClient(connections()),
		config.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenRequired),
		config.WithResponseChecksumValidation(aws.ResponseChecksumValidationWhenRequired),
	}
	if o.AccessKeyID != "" || o.SecretAccessKey != "" {
		options = append(options, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(o.AccessKeyID, o.SecretAccessKey, o.SessionToken)))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("objects: settings of S3: %w", err)
	}
	client, ok := loaded.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		client = connections()
	}
	s.line = newLine(client.GetTransport(), stall, clocks.OfHTTP(o.Now))
	s.line.done = o.Done
	loaded.HTTPClient = s.line
	s.client = s3.NewFromConfig(loaded, func(c *s3.Options) {
		if p.endpoint != "" {
			c.BaseEndpoint = aws.String(p.endpoint)
		}
		c.UsePathStyle = p.pathStyle
		c.DisableLogOutputChecksumValidationSkipped = true
		c.Retryer = retry.NewStandard(func(r *retry.StandardOptions) { r.MaxAttempts, r.MaxBackoff = attempts, retryDelay })
	})
	s.signer = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	s.bucket, err = s.findBucket(ctx)
	return s, err
}

// findBucket asks the SDK where the bucket is.
func (s *S3) findBucket(ctx context.Context) (string, error) {
	p := s.place
	endpoint, err := s.client.Options().EndpointResolverV2.ResolveEndpoint(ctx, s3.EndpointParameters{
		Bucket: &p.bucket, Region: &p.region, ForcePathStyle: &p.pathStyle, Endpoint: s.client.Options().BaseEndpoint,
	})
	if err != nil {
		return "", fmt.Errorf("objects: where is the bucket: %w", err)
	}
	return endpoint.URI.String(), nil
}

// Close lets go of idle connections.
func (s *S3) Close() error {
	s.line.close()
	return nil
}

// Requests implements Counter.
func (s *S3) Requests() map[string]int64 { return s.line.counts() }

// key is the name in the bucket.
func (s *S3) key(key string) (*string, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	return aws.String(s.place.prefix + key), nil
}

// Size implements Store.
func (s *S3) Size(ctx context.Context, key string) (int64, error) {
	name, err := s.key(key)
	if err != nil {
		return 0, err
	}
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.place.bucket, Key: name})
	if err != nil {
		return 0, explain(ctx, "size", err)
	}
	return aws.ToInt64(out.ContentLength), nil
}

// Delete implements Store.
func (s *S3) Delete(ctx context.Context, key string) error {
	if prefix, ok := strings.CutSuffix(key, "/"); ok {
		if err := checkKey(prefix); err != nil {
			return err
		}
		return s.deleteAll(ctx, key)
	}
	name, err := s.key(key)
	if err != nil {
		return err
	}
	_, err = s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.place.bucket, Key: name})
	if err = explain(ctx, "delete", err); errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// deleteAll removes a prefix page by page.
func (s *S3) deleteAll(ctx context.Context, prefix string) error {
	for after := ""; ; {
		found, err := s.List(ctx, prefix, after, page)
		if err != nil || len(found) == 0 {
			return err
		}
		after = found[len(found)-1].Key
		batch := &types.Delete{Quiet: aws.Bool(true)}
		for _, info := range found {
			batch.Objects = append(batch.Objects, types.ObjectIdentifier{Key: aws.String(s.place.prefix + info.Key)})
		}
		out, err := s.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &s.place.bucket, Delete: batch})
		if err != nil {
			return explain(ctx, "delete", err)
		}
		// What is gone already was deleted by this request's first attempt, whose
		// answer was lost, or by somebody else.
		left := slices.DeleteFunc(out.Errors, func(e types.Error) bool { return aws.ToString(e.Code) == noSuchKey })
		if len(left) > 0 {
			e := left[0]
			return fmt.Errorf("%w: %d objects below %s were not deleted, the first for: %s %s", ErrUnavailable, len(left), prefix, aws.ToString(e.Code), aws.ToString(e.Message))
		}
	}
}

// List implements Lister. Fewer than limit are the end: a page of S3 may be short of
// what was asked for and still not the last.
func (s *S3) List(ctx context.Context, prefix, after string, limit int) ([]Info, error) {
	limit = min(limit, page)
	in := &s3.ListObjectsV2Input{Bucket: &s.place.bucket, Prefix: aws.String(s.place.prefix + prefix)}
	if after != "" {
		in.StartAfter = aws.String(s.place.prefix + after)
	}
	found := make([]Info, 0, limit)
	for {
		in.MaxKeys = aws.Int32(int32(limit - len(found)))
		out, err := s.client.ListObjectsV2(ctx, in)
		if err != nil {
			return nil, explain(ctx, "list", err)
		}
		for _, o := range out.Contents {
			// What cannot be one of ours is not: some tools keep folders as empty objects.
			if key := strings.TrimPrefix(aws.ToString(o.Key), s.place.prefix); checkKey(key) == nil {
				found = append(found, Info{Key: key, Size: aws.ToInt64(o.Size), Modified: aws.ToTime(o.LastModified)})
			}
		}
		in.ContinuationToken = out.NextContinuationToken
		if len(found) >= limit || !aws.ToBool(out.IsTruncated) || in.ContinuationToken == nil {
			return found, nil
		}
	}
}

// AbortUploads implements Janitor. A lifecycle rule of the bucket does the same;
// not every server has them.
func (s *S3) AbortUploads(ctx context.Context, before time.Time) (int, error) {
	in := &s3.ListMultipartUploadsInput{Bucket: &s.place.bucket, Prefix: &s.place.prefix}
	n := 0
	for {
		out, err := s.client.ListMultipartUploads(ctx, in)
		if err != nil {
			return n, explain(ctx, "list unfinished writes", err)
		}
		for _, u := range out.Uploads {
			if !aws.ToTime(u.Initiated).Before(before) {
				continue
			}
			if err := s.abort(ctx, u.Key, u.UploadId); err != nil {
				return n, err
			}
			n++
		}
		if !aws.ToBool(out.IsTruncated) {
			return n, nil
		}
		in.KeyMarker, in.UploadIdMarker = out.NextKeyMarker, out.NextUploadIdMarker
	}
}

func (s *S3) abort(ctx context.Context, name, upload *string) error {
	_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.place.bucket, Key: name, UploadId: upload})
	if codeOf(err) == noSuchUpload {
		return nil
	}
	if err = explain(ctx, "abort", err); errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// OpenRange implements Store.
func (s *S3) OpenRange(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	name, err := s.key(key)
	if err != nil {
		return nil, err
	}
	if n <= 0 {
		_, err := s.Size(ctx, key)
		return http.NoBody, err
	}
	r := &ranged{ctx: ctx, s3: s, name: name, at: offset, end: offset + n}
	if err := r.open(); err != nil {
		return nil, err
	}
	return r, nil
}
