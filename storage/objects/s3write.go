package objects

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

const (
	// partSize is what is held in memory before it is sent; an object that is
	// larger goes in parts of this size. S3 takes 10,000 of them.
	partSize = 8 << 20
	// partsAtOnce are on their way while the next is read.
	partsAtOnce = 2
	blockSize   = 128 << 10
	// tidyTime is how long it may take to clear up after a failure.
	tidyTime = 10 * time.Second
)

// block is a piece of memory that is used again.
type block [blockSize]byte

// Put implements Store. The bytes are held until S3 has them, so that a request
// that failed can be sent again and is signed and summed before it leaves.
func (s *S3) Put(ctx context.Context, key string, r io.Reader) (int64, error) {
	name, err := s.key(key)
	if err != nil {
		return 0, err
	}
	first, more, err := s.fill(r)
	if err != nil {
		first.free(s)
		return 0, err
	}
	if more {
		return s.putParts(ctx, name, first, r)
	}
	defer first.free(s)
	sum := first.sum()
	in := &s3.PutObjectInput{Bucket: &s.place.bucket, Key: name, Body: first.reader(), ContentLength: aws.Int64(first.size)}
	if s.place.checksums {
		in.ChecksumCRC32C = &sum
	}
	out, err := s.client.PutObject(ctx, in)
	if err == nil {
		err = acknowledged(out.ETag, out.ChecksumCRC32C, sum)
	}
	if err != nil {
		return 0, errors.Join(unwrittenBy(ctx, "write", err), s.forget(ctx, name, err))
	}
	return first.size, nil
}

// acknowledged makes sure that an answer is one: a proxy on the way may say 200
// to anything.
func acknowledged(etag, got *string, sum string) error {
	if aws.ToString(etag) == "" {
		return fmt.Errorf("%w: it said yes without an ETag, so that was not S3", ErrUnavailable)
	}
	if got != nil && *got != sum {
		return fmt.Errorf("%w: it keeps other bytes than were sent", ErrUnavailable)
	}
	return nil
}

// forget deletes what may have been kept although the answer was no, or was lost.
// It is tried once: nobody knows the key, and the video's end takes it along.
func (s *S3) forget(ctx context.Context, name *string, cause error) error {
	if status(cause) >= 400 && status(cause) < 500 {
		return nil // it was refused
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyTime)
	defer cancel()
	_, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.place.bucket, Key: name}, once)
	if err != nil {
		return fmt.Errorf("objects: clear up: %w", err)
	}
	return nil
}

func once(o *s3.Options) { o.Retryer = aws.NopRetryer{} }

// putParts sends an object that is larger than one part. Nothing is visible
// before the last request.
func (s *S3) putParts(ctx context.Context, name *string, first *buffer, r io.Reader) (n int64, err error) {
	in := &s3.CreateMultipartUploadInput{Bucket: &s.place.bucket, Key: name}
	if s.place.checksums {
		in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc32c
	}
	upload, err := s.client.CreateMultipartUpload(ctx, in)
	if err != nil {
		first.free(s)
		return 0, unwrittenBy(ctx, "write", err)
	}
	m := &multipart{s3: s, name: name, upload: upload.UploadId}
	n, err = m.send(ctx, first, r)
	if err == nil {
		err = m.complete(ctx, n)
	}
	if err == nil {
		return n, nil
	}
	cleared := m.clear(ctx, err)
	if source, ok := errors.AsType[*sourceError](err); ok {
		return 0, errors.Join(source.error, cleared)
	}
	return 0, errors.Join(unwrittenBy(ctx, "write", err), cleared)
}

// sourceError is an error of what was to be kept, not of S3.
type sourceError struct{ error }

// multipart is one large write.
type multipart struct {
	s3     *S3
	name   *string
	upload *string

	mu    sync.Mutex
	parts []types.CompletedPart
	// ending says that the store was asked to show the object.
	ending bool
}

func (m *multipart) send(ctx context.Context, part *buffer, r io.Reader) (int64, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(partsAtOnce)
	var total int64
	for more := true; ; {
		number, sending := m.next(), part
		total += part.size
		group.Go(func() error {
			defer sending.free(m.s3)
			return m.one(ctx, number, sending)
		})
		if !more || ctx.Err() != nil {
			break
		}
		var err error
		if part, more, err = m.s3.fill(r); err != nil {
			part.free(m.s3)
			_ = group.Wait() // the reader's error is the one that counts
			return 0, &sourceError{err}
		}
		if part.size == 0 {
			part.free(m.s3)
			break
		}
	}
	return total, group.Wait()
}

// next makes a place for a part.
func (m *multipart) next() int32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.parts = append(m.parts, types.CompletedPart{})
	return int32(len(m.parts))
}

// done notes a part in its place.
func (m *multipart) done(p types.CompletedPart) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.parts[*p.PartNumber-1] = p
}

func (m *multipart) one(ctx context.Context, number int32, part *buffer) error {
	sum := part.sum()
	in := &s3.UploadPartInput{Bucket: &m.s3.place.bucket, Key: m.name, UploadId: m.upload, PartNumber: &number, Body: part.reader(), ContentLength: aws.Int64(part.size)}
	if m.s3.place.checksums {
		in.ChecksumCRC32C = &sum
	}
	out, err := m.s3.client.UploadPart(ctx, in)
	if err == nil {
		err = acknowledged(out.ETag, out.ChecksumCRC32C, sum)
	}
	if err != nil {
		return err
	}
	m.done(types.CompletedPart{PartNumber: &number, ETag: out.ETag, ChecksumCRC32C: in.ChecksumCRC32C})
	return nil
}

func (m *multipart) complete(ctx context.Context, size int64) error {
	m.ending = true
	out, err := m.s3.client.CompleteMultipartUpload(patient(ctx), &s3.CompleteMultipartUploadInput{
		Bucket: &m.s3.place.bucket, Key: m.name, UploadId: m.upload, MultipartUpload: &types.CompletedMultipartUpload{Parts: m.parts},
	})
	if codeOf(err) == noSuchUpload {
		return m.kept(ctx, size, err)
	}
	if err != nil {
		return err
	}
	return acknowledged(out.ETag, nil, "")
}

// kept looks whether the object is there after all: where the yes was lost, the
// request was sent again, and some stores know nothing of a write that has ended.
func (m *multipart) kept(ctx context.Context, size int64, cause error) error {
	head, err := m.s3.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &m.s3.place.bucket, Key: m.name, ChecksumMode: types.ChecksumModeEnabled})
	if errors.Is(explain(ctx, "look", err), ErrNotFound) {
		return cause
	}
	if err != nil {
		return err
	}
	got, want := aws.ToString(head.ChecksumCRC32C), m.sum()
	if aws.ToInt64(head.ContentLength) != size || want != "" && strings.Contains(got, "-") && got != want {
		return cause
	}
	return nil
}

// sum is the checksum of the parts' checksums as S3 writes it, where those are known.
func (m *multipart) sum() string {
	all := newSum()
	for _, part := range m.parts {
		raw, err := base64.StdEncoding.DecodeString(aws.ToString(part.ChecksumCRC32C))
		if err != nil || len(raw) == 0 {
			return ""
		}
		_, _ = all.Write(raw) // a hash takes everything
	}
	return fmt.Sprintf("%s-%d", sumText(all), len(m.parts))
}

// clear takes away what a write that failed has left.
func (m *multipart) clear(ctx context.Context, cause error) error {
	tidy, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyTime)
	defer cancel()
	err := m.s3.abort(tidy, m.name, m.upload)
	if m.ending {
		err = errors.Join(err, m.s3.forget(ctx, m.name, cause))
	}
	return err
}

// buffer holds up to a part.
type buffer struct {
	blocks []*block
	size   int64
}

// fill reads up to one part. More says that there may be more to read.
func (s *S3) fill(r io.Reader) (b *buffer, more bool, err error) {
	b = new(buffer)
	for b.size < partSize {
		piece := s.blocks.Get().(*block) //nolint:forcetypeassert // made by New
		b.blocks = append(b.blocks, piece)
		n, err := readFull(r, piece[:])
		b.size += int64(n)
		if errors.Is(err, io.EOF) {
			return b, false, nil
		}
		if err != nil {
			return b, false, err
		}
	}
	return b, true, nil
}

// readFull fills p or returns the reader's own error. (io.ReadFull makes one of
// its own of the end, which looks like that of a line that broke.)
func readFull(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var got int
		got, err = r.Read(p[n:])
		n += got
	}
	return n, err
}

func (b *buffer) free(s *S3) {
	for _, piece := range b.blocks {
		s.blocks.Put(piece)
	}
	b.blocks = nil
}

// sum is the checksum as S3 writes it.
func (b *buffer) sum() string {
	h := newSum()
	_, _ = io.Copy(h, b.reader()) // neither fails
	return sumText(h)
}

func (b *buffer) reader() *io.SectionReader { return io.NewSectionReader(b, 0, b.size) }

// ReadAt implements io.ReaderAt.
func (b *buffer) ReadAt(p []byte, offset int64) (n int, err error) {
	for n < len(p) && offset < b.size {
		from := offset % blockSize
		to := min(blockSize, from+b.size-offset)
		copied := copy(p[n:], b.blocks[offset/blockSize][from:to])
		n, offset = n+copied, offset+int64(copied)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
