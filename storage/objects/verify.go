package objects

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sys/unix"
)

// ErrCorrupt says that an object is not what was kept.
var ErrCorrupt = errors.New("objects: the bytes are not those that were kept")

// Verifier is offered by stores that remember a checksum of what they keep.
type Verifier interface {
	// Verify reads an object from end to end and compares. It says whether there
	// was a checksum to compare with.
	Verify(ctx context.Context, key string) (known bool, err error)
}

func newSum() hash.Hash32 { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }

// sumText is a checksum as S3 writes it.
func sumText(h hash.Hash32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, h.Sum32()))
}

// Verify implements Verifier.
func (s *S3) Verify(ctx context.Context, key string) (known bool, err error) {
	name, err := s.key(key)
	if err != nil {
		return false, err
	}
	head, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.place.bucket, Key: name, ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		return false, explain(ctx, "verify", err)
	}
	want, size := aws.ToString(head.ChecksumCRC32C), aws.ToInt64(head.ContentLength)
	if want == "" {
		return false, nil
	}
	r, err := s.OpenRange(ctx, key, 0, size)
	if err != nil {
		return false, err
	}
	got, read, err := sumParts(r, want)
	if err = errors.Join(err, r.Close()); err != nil {
		return false, err
	}
	if read != size || got != want {
		return true, fmt.Errorf("%w: %s: %d of %d bytes, checksum %s in place of %s", ErrCorrupt, key, read, size, got, want)
	}
	return true, nil
}

// sumParts sums as S3 did: the whole, or, where the checksum ends in the number of
// parts, the sums of the parts.
func sumParts(r io.Reader, want string) (sum string, n int64, err error) {
	_, count, composite := strings.Cut(want, "-")
	if !composite {
		h := newSum()
		n, err = io.Copy(h, r)
		return sumText(h), n, err
	}
	all := newSum()
	for {
		part := newSum()
		read, err := io.CopyN(part, r, partSize)
		if n += read; read > 0 {
			_ = binary.Write(all, binary.BigEndian, part.Sum32()) // a hash takes everything
		}
		if errors.Is(err, io.EOF) {
			return sumText(all) + "-" + count, n, nil
		}
		if err != nil {
			return "", n, err
		}
	}
}

// sumName is the extended attribute in which a folder remembers checksums.
const sumName = "user.meanwhile.crc32c"

// remember notes the checksum beside the file, where its file system can.
func remember(file *os.File, h hash.Hash32) {
	_ = unix.Fsetxattr(int(file.Fd()), sumName, []byte(sumText(h)), 0) // without it nothing is lost but a check
}

// Verify implements Verifier.
func (f *Folder) Verify(_ context.Context, key string) (known bool, err error) {
	if err := checkKey(key); err != nil {
		return false, err
	}
	file, err := f.root.Open(key)
	if err != nil {
		return false, classify(err)
	}
	defer file.Close()
	want := make([]byte, 16)
	n, err := unix.Fgetxattr(int(file.Fd()), sumName, want)
	if err != nil {
		return false, nil // none was kept
	}
	h := newSum()
	if _, err := io.Copy(h, file); err != nil {
		return true, fmt.Errorf("objects: verify %s: %w", key, err)
	}
	if got := sumText(h); got != string(want[:n]) {
		return true, fmt.Errorf("%w: %s: checksum %s in place of %s", ErrCorrupt, key, got, want[:n])
	}
	return true, nil
}
