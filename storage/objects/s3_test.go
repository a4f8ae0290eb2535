package objects_test

import (
	"testing"

	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/objects/objectstest"
)

func TestS3(t *testing.T) {
	t.Parallel()
	conform(t, func(t *testing.T) objects.Store {
		t.Helper()
		b := objectstest.S3(t)
		return objectstest.Open(t, b.URL, b.Options)
	})
}
