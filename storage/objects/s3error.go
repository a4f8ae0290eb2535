package objects

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// errBeyond says that a range begins behind the end of its object.
var errBeyond = errors.New("objects: range behind the end")

// status is the HTTP status of an answer that was an error, or 0.
func status(err error) int {
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return answer.HTTPStatusCode()
	}
	return 0
}

// explain turns an error of the SDK into one of ours. What comes from the
// caller's own reader or context stays what it is.
func explain(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: %s: %w", ErrUnavailable, doing, ctx.Err()) // whoever asked has waited long enough
	}
	if ctx.Err() != nil {
		return fmt.Errorf("objects: %s: %w", doing, ctx.Err())
	}
	if errors.Is(err, ErrUnavailable) || errors.Is(err, ErrNotFound) || errors.Is(err, ErrFull) {
		return err
	}
	words, kind := kindOf(err)
	if kind == nil {
		return err
	}
	return fmt.Errorf("%w: %s: %s%w", kind, doing, words, err)
}

// unwrittenBy is the error of a write. Whatever the store did not find, it is not
// that there is no such object: whoever brings one is to try again.
func unwrittenBy(ctx context.Context, doing string, err error) error {
	return unwritten(explain(ctx, doing, err))
}

// What a store says of an object, and of the parts of a write, that it knows nothing of.
const (
	noSuchKey    = "NoSuchKey"
	noSuchUpload = "NoSuchUpload"
)

// codeOf is what S3 calls an error.
func codeOf(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

// kindOf finds the kind of an error, and words for what people can do about it.
func kindOf(err error) (words string, kind error) {
	switch codeOf(err) {
	case noSuchKey:
		return "", ErrNotFound
	case noSuchUpload:
		return "the write was given up before its end: ", ErrUnavailable
	case "NoSuchBucket":
		return "there is no such bucket: make it, or correct MEANWHILE_OBJECTS_URL: ", ErrUnavailable
	case "InvalidRange":
		return "", errBeyond
	case "QuotaExceeded", "XMinioStorageFull", "EntityTooLarge", "InsufficientStorage", "StorageFull":
		return "", ErrFull
	case "RequestTimeTooSkewed", "RequestExpired":
		return "the clock of this machine and that of the store differ by minutes; set both right (chrony, systemd-timesyncd): ", ErrUnavailable
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidClientTokenId", "ExpiredToken", "InvalidToken":
		return "the store does not accept the access key; look at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: ", ErrUnavailable
	case "AccessDenied", "AllAccessDisabled":
		return "the access key may not do this in the bucket; see the policy in docs/objects.md: ", ErrUnavailable
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException":
		return "the bucket lies in another region; correct region in MEANWHILE_OBJECTS_URL: ", ErrUnavailable
	}
	switch code := status(err); {
	case code == http.StatusNotFound:
		return "", ErrNotFound // of a HEAD, which has no body
	case code == http.StatusRequestedRangeNotSatisfiable:
		return "", errBeyond
	case code == http.StatusInsufficientStorage:
		return "", ErrFull
	case code > 0, sent(err):
		return "", ErrUnavailable
	}
	return "", nil
}

// sent says that an error came out of a request: the line, a time-out, or keys
// that could not be had.
func sent(err error) bool {
	_, operation := errors.AsType[*smithy.OperationError](err)
	return operation || errors.Is(err, errStalled) || isLine(err)
}
