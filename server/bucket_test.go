package server

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/admin"
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/objects/objectstest"
)

// inBucket is a rig whose media lies in S3, behind a proxy that misbehaves when
// told to.
func inBucket(t *testing.T, redirect bool, faults ...objectstest.Fault) (*rig, objects.Keeper, *objectstest.Proxy) {
	t.Helper()
	bucket := objectstest.S3(t)
	proxy := objectstest.NewProxy(t, bucket.Endpoint)
	o := bucket.Options
	if slices.Contains(faults, objectstest.Silent) {
		o.Stall = 5 * time.Second // in three tries: a store that is slow for a moment is not away
	}
	store := objectstest.Open(t, bucket.Through(proxy.URL).URL, o)
	r := newRigAt(t, nil, func(o *Options) {
		o.Objects = store
		if presigner, ok := store.(objects.Presigner); ok && redirect {
			o.Bucket = presigner
		}
	})
	return r, store, proxy
}

// rung makes a ladder whose last object lies in the bucket.
func (r *rig) rung(t *testing.T, v *catalog.Video, store objects.Store) (path, key string) {
	t.Helper()
	key = r.ladder(t, v)
	_, err := store.Put(t.Context(), key, strings.NewReader("INIT"+strings.Repeat("3", 96)))
	require.NoError(t, err)
	return r.media(v, "o/"+strings.TrimPrefix(key, "v/"+v.ID+"/")), key
}

func requests(s objects.Store) (n int64) {
	for _, count := range s.(objects.Counter).Requests() {
		n += count
	}
	return n
}

// TestPlayersAreSentToTheBucket: attacks 12 and 14. A segment costs neither a query
// nor a request of ours.
func TestPlayersAreSentToTheBucket(t *testing.T) {
	t.Parallel()
	r, store, _ := inBucket(t, true)
	v := r.upload(t, recording(t, "avc3-opus.mp4"), 1<<20, true)
	path, key := r.rung(t, v, store)
	before, queries, began := requests(store), r.catalog.Queries(), time.Now()
	res, _ := r.nobody.get(t, path, "Range", "bytes=2-5")
	require.Equal(t, http.StatusFound, res.StatusCode)
	require.Equal(t, before, requests(store), "nothing is asked of the bucket")
	require.Equal(t, queries, r.catalog.Queries(), "nor of the database")
	require.Equal(t, "private, max-age=30", res.Header.Get("Cache-Control"))
	u, err := url.Parse(res.Header.Get("Location"))
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(u.Path, key))
	seconds, err := strconv.Atoi(u.Query().Get("X-Amz-Expires"))
	require.NoError(t, err)
	require.LessOrEqual(t, seconds, 60)
	signed, err := time.Parse("20060102T150405Z", u.Query().Get("X-Amz-Date"))
	require.NoError(t, err)
	require.Greater(t, signed.Add(time.Duration(seconds)*time.Second).Sub(began), 35*time.Second, "it is good for as long as a browser goes by it")
	require.NotContains(t, u.String(), strings.Split(path, "/")[2], "the grant stays here")

	segment, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), nil)
	require.NoError(t, err)
	segment.Header.Set("Range", "bytes=2-5")
	there, err := http.DefaultTransport.RoundTrip(segment)
	require.NoError(t, err)
	defer there.Body.Close()
	require.Equal(t, http.StatusPartialContent, there.StatusCode)
	require.Equal(t, "IT33", text(t, there))
	require.Equal(t, "video/mp4", there.Header.Get("Content-Type"))

	head := r.nobody.ask(t, http.MethodHead, path, "")
	require.Equal(t, http.StatusOK, head.StatusCode, "an address is good for GET alone")
	require.EqualValues(t, 100, head.ContentLength)
	res, _ = r.nobody.get(t, r.media(v, "stream.mp4"), "Range", "bytes=0-99")
	require.Equal(t, http.StatusPartialContent, res.StatusCode, "what is repaired on its way comes from here")
	for _, page := range []string{"/v/" + v.Slug, "/embed/" + v.Slug} {
		res, _ := r.owner.get(t, page)
		policy := res.Header.Get("Content-Security-Policy")
		for _, directive := range []string{"img-src", "media-src", "connect-src"} {
			require.Regexp(t, directive+" [^;]*"+u.Scheme+"://"+u.Host, policy)
		}
		require.NotRegexp(t, "(script|style|worker|frame)-src [^;]*"+u.Host, policy)
	}
	var told struct{ Playback struct{ Prefer string } }
	r.owner.do(t, "GET /api/videos/"+v.ID, nil, 200, &told)
	require.Equal(t, "hls", told.Playback.Prefer, "the ladder's bytes do not pass through here")
	require.NoError(t, r.server.Start(t.Context(), r.catalog, r.options.Log))
	grant, _ := r.granter.Grant(auth.Principal{Account: r.member.account}, v)
	path = strings.Replace(path, strings.Split(path, "/")[2], grant, 1)
	res, _ = r.nobody.get(t, path)
	require.Equal(t, http.StatusFound, res.StatusCode)
	require.NoError(t, r.catalog.SetDisabled(t.Context(), r.member.account.ID, true))
	soon(t, 5*time.Second, func() bool {
		res, _ := r.nobody.get(t, path)
		return res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusForbidden
	}, "what is closed gets a new address")
}

// TestWhatTheBucketHasLost (F25): the server does not hear of what the bucket says to
// players, so a player that was refused there asks here; also for what was there before.
func TestWhatTheBucketHasLost(t *testing.T) {
	t.Parallel()
	r, store, _ := inBucket(t, true)
	operator := r.operate(t, r.owner)
	v := r.upload(t, recording(t, "avc3-opus.mp4"), 1<<20, true)
	path, key := r.rung(t, v, store)
	require.Equal(t, http.StatusOK, r.nobody.ask(t, http.MethodHead, path, "").StatusCode)
	require.NoError(t, store.Delete(t.Context(), key))
	res, _ := r.nobody.get(t, path)
	require.Equal(t, http.StatusFound, res.StatusCode)
	require.Equal(t, http.StatusNotFound, r.nobody.ask(t, http.MethodHead, path, "").StatusCode)
	var found admin.MissingMedia
	require.Eventually(t, func() bool {
		operator.read(t, "/api/admin/missing", &found)
		return found.Total == 1
	}, hangs, tick)
	require.Equal(t, key, found.Items[0].Object)
}

// TestABucketThatIsNotPublic: everything passes through the server. F25: what is
// gone is not found, also when its size is known.
func TestABucketThatIsNotPublic(t *testing.T) {
	t.Parallel()
	r, store, proxy := inBucket(t, false)
	v := r.upload(t, recording(t, "avc3-opus.mp4"), 1<<20, true)
	path, key := r.rung(t, v, store)
	get := func() (*http.Response, string) { return r.nobody.get(t, path, "Range", "bytes=2-5") }
	for range 3 {
		res, body := get()
		require.Equal(t, http.StatusPartialContent, res.StatusCode)
		require.Equal(t, "IT33", body)
	}
	require.EqualValues(t, 1, store.(objects.Counter).Requests()[http.MethodHead], "a size is asked for once")
	var told struct{ Playback struct{ Prefer string } }
	r.owner.do(t, "GET /api/videos/"+v.ID, nil, 200, &told)
	require.Equal(t, "progressive", told.Playback.Prefer)
	proxy.Misbehave(objectstest.SlowDown, -1)
	res, body := get()
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	require.Contains(t, body, "store_away")
	require.Equal(t, "5", res.Header.Get("Retry-After"))
	require.Empty(t, res.Header.Get("Content-Range"))
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	proxy.Misbehave(objectstest.None, 0)
	res, body = get()
	require.Equal(t, "IT33", body, res.Status)
	require.NoError(t, store.Delete(t.Context(), key))
	res, body = get()
	require.Equal(t, http.StatusNotFound, res.StatusCode)
	require.Contains(t, body, "not_found")
	require.Equal(t, "application/problem+json", res.Header.Get("Content-Type"))
}

// TestAnUploadOutlivesAStoreThatIsAway: F11. While the store is away a client is
// told so, nothing that was acknowledged is lost, and it goes on from there.
func TestAnUploadOutlivesAStoreThatIsAway(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]objectstest.Fault{
		"slow down": objectstest.SlowDown, "silent": objectstest.Silent, "reset": objectstest.Reset, "cut request": objectstest.CutRequest,
		"lost answer": objectstest.LoseAnswer, "error in 200": objectstest.ErrorIn200,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, store, proxy := inBucket(t, true, fault)
			raw := recording(t, "avc3-opus.mp4")
			v, half := r.start(t, catalog.InTeam), len(raw)/2
			r.send(t, v, 0, raw[:half])
			proxy.Misbehave(fault, -1)
			times := 2
			if fault == objectstest.Silent { // which takes three times its patience
				times = 1
			}
			for range times {
				res := r.owner.ask(t, http.MethodPatch, "/api/uploads/"+v.UploadID, string(raw[half:]),
					"Content-Type", "application/offset+octet-stream", "Upload-Offset", strconv.Itoa(half), "Tus-Resumable", "1.0.0")
				require.Equal(t, http.StatusServiceUnavailable, res.StatusCode, text(t, res))
				require.Equal(t, "5", res.Header.Get("Retry-After"))
				head := r.owner.ask(t, http.MethodHead, "/api/uploads/"+v.UploadID, "", "Tus-Resumable", "1.0.0")
				require.Equal(t, strconv.Itoa(half), head.Header.Get("Upload-Offset"), "what was acknowledged")
			}
			res, _ := r.owner.get(t, "/api/videos/"+v.ID)
			require.Equal(t, http.StatusOK, res.StatusCode, "all else goes on")
			res, _ = r.nobody.get(t, r.media(v, "source.m3u8"))
			require.Equal(t, http.StatusOK, res.StatusCode)
			proxy.Misbehave(objectstest.None, 0)
			r.send(t, v, half, raw[half:])
			require.NoError(t, r.server.Ingest.Finish(t.Context(), v.UploadID))
			_, body := r.nobody.get(t, r.media(v, "source"))
			require.Equal(t, fmt.Sprintf("%x", sha256.Sum256(raw)), fmt.Sprintf("%x", sha256.Sum256([]byte(body))))
			parts, err := r.catalog.Parts(t.Context(), v.ID)
			require.NoError(t, err)
			stored, err := store.(objects.Lister).List(t.Context(), "v/"+v.ID+"/src/", "", 100)
			require.NoError(t, err)
			if fault != objectstest.LoseAnswer { // by then nobody can tell what was kept
				require.Len(t, stored, len(parts), "no orphans")
			}
		})
	}
}
