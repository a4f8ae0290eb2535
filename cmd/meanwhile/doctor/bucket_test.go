package doctor

import (
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/objects/objectstest"
)

// visited is a bucket behind a proxy, ready for players of http://localhost:8080.
func visited(t *testing.T) (Patient, *objectstest.Proxy, objectstest.Bucket) {
	t.Helper()
	bucket := objectstest.S3(t)
	require.NoError(t, bucket.AllowOrigin(t.Context(), "http://localhost:8080"))
	proxy := objectstest.NewProxy(t, bucket.Endpoint)
	p := patient(t)
	p.Bucket = &Bucket{Store: objectstest.Open(t, bucket.Through(proxy.URL).URL, bucket.Options), Redirect: true}
	return p, proxy, bucket
}

// answering answers in a store's place the requests for which it returns true.
type answering = func(w http.ResponseWriter, r *http.Request) bool

func TestTheDoctorFindsABucketWell(t *testing.T) {
	t.Parallel()
	p, _, bucket := visited(t)
	all := examineBucket(t.Context(), p, time.Now)
	require.Len(t, all, 10)
	for _, f := range all {
		require.Equal(t, Fine, f.Status, "%+v", f)
	}
	left, err := objectstest.Open(t, bucket.URL, bucket.Options).(objects.Lister).List(t.Context(), "", "", 10)
	require.NoError(t, err)
	require.Empty(t, left, "it clears up")
}

// wrong is a bucket that does not do one thing.
type wrong struct {
	finding, status, advice string
	answer                  answering
}

func unsigned(r *http.Request) bool { return r.Header.Get("Authorization") == "" && !presigned(r) }

func presigned(r *http.Request) bool { return r.URL.Query().Get("X-Amz-Signature") != "" }

func refusing(which func(r *http.Request) bool) answering {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if which(r) {
			http.Error(w, `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`, http.StatusForbidden)
			return true
		}
		return false
	}
}

// whole answers with the probe, whatever was asked of it.
func whole(which func(r *http.Request) bool) answering {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !which(r) {
			return false
		}
		_, err := w.Write([]byte(probe))
		return err == nil
	}
}

func probed(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/probe") }

// wrongs are buckets that keep something from the server.
func wrongs() map[string]wrong {
	return map[string]wrong{
		"may not write": {"bucket: write", Failure, "may read, write, list", refusing(func(r *http.Request) bool { return r.Method == http.MethodPut })},
		"may not read": {"bucket: read", Failure, "may read", refusing(func(r *http.Request) bool {
			return r.Method == http.MethodGet && !presigned(r) && !unsigned(r)
		})},
		"knows no ranges": {"bucket: read", Failure, "Range", whole(func(r *http.Request) bool { return probed(r) && !presigned(r) })},
		"may not list": {"bucket: list", Failure, "s3:ListBucket", refusing(func(r *http.Request) bool {
			return r.URL.Query().Has("list-type") && !unsigned(r)
		})},
		"hides what is absent": {"bucket: list", Failure, "s3:ListBucket", refusing(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/absent") })},
		"knows no parts": {"bucket: large objects", Failure, "AbortMultipartUpload", refusing(func(r *http.Request) bool {
			return r.Method == http.MethodPost && r.URL.Query().Has("uploads")
		})},
		"may not list parts": {"bucket: large objects", Warning, "ListBucketMultipartUploads", refusing(func(r *http.Request) bool {
			return r.Method == http.MethodGet && r.URL.Query().Has("uploads")
		})},
		"may not delete": {"bucket: delete", Failure, "s3:DeleteObject", refusing(func(r *http.Request) bool { return r.URL.Query().Has("delete") })},
	}
}

// openings are buckets that show players too little, or strangers too much.
func openings() map[string]wrong {
	return map[string]wrong{
		"refuses what is presigned": {"bucket: presigned address", Failure, "MEANWHILE_OBJECTS_DELIVERY=server", refusing(func(r *http.Request) bool {
			return presigned(r) && r.Method == http.MethodGet
		})},
		"has no CORS": {"bucket: CORS", Failure, "AllowedOrigins [http://localhost:8080]", func(_ http.ResponseWriter, r *http.Request) bool {
			r.Header.Del("Origin")
			return false
		}},
		"has no CORS for ranges": {"bucket: CORS", Warning, "AllowedHeaders [Range]", refusing(func(r *http.Request) bool { return r.Method == http.MethodOptions })},
		"is open to read":        {"bucket: privacy", Failure, "block all public access", whole(func(r *http.Request) bool { return probed(r) && unsigned(r) })},
		"is open to list": {"bucket: privacy", Failure, "block all public access", whole(func(r *http.Request) bool {
			return unsigned(r) && r.URL.Query().Has("list-type")
		})},
	}
}

// TestTheDoctorSaysWhatIsWrongWithABucket: F17 and attack 17 among others.
func TestTheDoctorSaysWhatIsWrongWithABucket(t *testing.T) {
	t.Parallel()
	all := wrongs()
	maps.Copy(all, openings())
	for name, row := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, proxy, _ := visited(t)
			proxy.Answer(row.answer)
			f := found(t, examineBucket(t.Context(), p, time.Now), row.finding)
			require.Equal(t, row.status, f.Status, "%+v", f)
			require.Contains(t, f.Advice, row.advice)
			require.NotContains(t, f.Detail+f.Advice, "X-Amz-Signature")
			require.NotContains(t, f.Detail+f.Advice, "secret-key")
		})
	}
}

func TestTheDoctorComparesTheClocks(t *testing.T) {
	t.Parallel()
	p, proxy, _ := visited(t)
	for ahead, status := range map[time.Duration]string{0: Fine, time.Minute: Warning, -time.Minute: Warning, time.Hour: Failure} {
		f := found(t, examineBucket(t.Context(), p, func() time.Time { return time.Now().Add(ahead) }), "bucket: clock")
		require.Equal(t, status, f.Status, "%s: %+v", ahead, f)
	}
	proxy.Misbehave(objectstest.Skewed, -1)
	f := found(t, examineBucket(t.Context(), p, time.Now), "bucket: write")
	require.Equal(t, Failure, f.Status)
	require.Contains(t, f.Detail, "set both right")
}

func TestTheDoctorKnowsWhereBrowsersReach(t *testing.T) {
	t.Parallel()
	for row, status := range map[[2]string]string{
		{"http://localhost:8080", "http://127.0.0.1:9000"}:               Fine,
		{"https://video.example.org", "https://s3.example.org"}:          Fine,
		{"https://video.example.org", "http://s3.example.org"}:           Failure,
		{"https://video.example.org", "https://10.0.0.7:9000"}:           Warning,
		{"http://video.example.org", "http://minio:9000"}:                Warning,
		{"https://video.example.org", "https://127.0.0.1:9000"}:          Warning,
		{"https://video.example.org", "https://b.s3.eu-1.amazonaws.com"}: Fine,
	} {
		base, err := url.Parse(row[0])
		require.NoError(t, err)
		v := &visit{bucket: &Bucket{Redirect: true}, base: base}
		require.Equal(t, status, v.reachable(row[1]).Status, "%v", row)
		v.bucket.Redirect = false
		require.Equal(t, Fine, v.reachable(row[1]).Status, "browsers never go there")
	}
}

// TestTheDoctorFindsLostAndDamagedMedia: F25.
func TestTheDoctorFindsLostAndDamagedMedia(t *testing.T) {
	t.Parallel()
	p := patient(t)
	db := migrated(t, p)
	store := objectstest.Open(t, filepath.Join(p.Data, "objects"), objects.Options{})
	exec := func(query string, args ...any) {
		t.Helper()
		_, err := db.Writer.ExecContext(t.Context(), query, args...)
		require.NoError(t, err)
	}
	for _, key := range []string{"v/one/src/0", "v/one/src/1", "v/one/src/2"} {
		_, err := store.Put(t.Context(), key, strings.NewReader("0123456789"))
		require.NoError(t, err)
	}
	exec("INSERT INTO accounts (id, email, name, password_hash, created_at) VALUES ('ada', 'ada@example.com', 'Ada', '', ?)", time.Now())
	exec("INSERT INTO videos (id, slug, owner_id, title, title_folded, state, created_at, updated_at) VALUES ('one', 'one', 'ada', '', '', 'ready', ?, ?)", time.Now(), time.Now())
	exec("INSERT INTO parts (video_id, start, length, object_key) VALUES ('one', 0, 10, 'v/one/src/0'), ('one', 10, 10, 'v/one/src/1'), ('one', 20, 10, 'v/one/src/2')")
	f := ExamineMedia(t.Context(), p.Database, store)[0]
	require.Equal(t, Fine, f.Status, f.Detail)
	require.Contains(t, f.Detail, "3 objects")

	require.NoError(t, store.Delete(t.Context(), "v/one/src/0"))
	require.NoError(t, os.WriteFile(filepath.Join(p.Data, "objects", "v", "one", "src", "1"), []byte("0123456788"), 0o600))
	f = ExamineMedia(t.Context(), p.Database, store)[0]
	require.Equal(t, Failure, f.Status)
	require.Contains(t, f.Detail, "2 of 3")
	require.Contains(t, f.Detail, "v/one/src/0 of video one is missing")
	require.Contains(t, f.Detail, "v/one/src/1 holds other bytes")
}
