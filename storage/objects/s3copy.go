package objects

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

// copyLimits are the largest object that one request copies, and the size of the
// parts in which larger ones are copied.
type copyLimits struct{ whole, part int64 }

// limitsOfS3 are those of AWS; others have no smaller ones.
func limitsOfS3() copyLimits { return copyLimits{whole: 5 << 30, part: 1 << 30} }

// Copy implements Copier.
func (s *S3) Copy(ctx context.Context, from, to string) error {
	source, err := s.key(from)
	if err != nil {
		return err
	}
	target, err := s.key(to)
	if err != nil {
		return err
	}
	size, err := s.Size(ctx, from)
	if err != nil {
		return err
	}
	if size > s.copies.whole {
		return s.copyParts(ctx, s.copySource(*source), target, size)
	}
	return s.copyWhole(ctx, s.copySource(*source), target)
}

// copySource is the header that names what is copied. In it a plus is a space.
func (s *S3) copySource(name string) *string {
	return aws.String(s.place.bucket + "/" + escapePath(name))
}

func (s *S3) copyWhole(ctx context.Context, source, target *string) error {
	out, err := s.client.CopyObject(patient(ctx), &s3.CopyObjectInput{Bucket: &s.place.bucket, Key: target, CopySource: source})
	if err != nil {
		return explain(ctx, "copy", err)
	}
	if out.CopyObjectResult == nil {
		return fmt.Errorf("%w: copy: it said yes without a result", ErrUnavailable)
	}
	return acknowledged(out.CopyObjectResult.ETag, nil, "")
}

func (s *S3) copyParts(ctx context.Context, source, target *string, size int64) error {
	upload, err := s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &s.place.bucket, Key: target})
	if err != nil {
		return explain(ctx, "copy", err)
	}
	m := &multipart{s3: s, name: target, upload: upload.UploadId}
	group, each := errgroup.WithContext(ctx)
	group.SetLimit(partsAtOnce)
	for at := int64(0); at < size; at += s.copies.part {
		number, span := m.next(), fmt.Sprintf("bytes=%d-%d", at, min(at+s.copies.part, size)-1)
		group.Go(func() error { return m.copyOne(each, number, source, span) })
	}
	if err = group.Wait(); err == nil {
		err = m.complete(ctx, size)
	}
	if err == nil {
		return nil
	}
	return errors.Join(explain(ctx, "copy", err), m.clear(ctx, err))
}

func (m *multipart) copyOne(ctx context.Context, number int32, source *string, span string) error {
	out, err := m.s3.client.UploadPartCopy(patient(ctx), &s3.UploadPartCopyInput{
		Bucket: &m.s3.place.bucket, Key: m.name, UploadId: m.upload, PartNumber: &number, CopySource: source, CopySourceRange: &span,
	})
	if err != nil {
		return err
	}
	if out.CopyPartResult == nil {
		return fmt.Errorf("%w: copy: it said yes without a result", ErrUnavailable)
	}
	m.done(types.CompletedPart{PartNumber: &number, ETag: out.CopyPartResult.ETag})
	return nil
}
