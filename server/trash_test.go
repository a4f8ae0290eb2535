package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// TestDeletingTwiceIsForGood: first into the trash, from where it comes back,
// then out of the world, with its objects.
func TestDeletingTwiceIsForGood(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	video := r.start(t, catalog.InTeam)
	path := "/api/videos/" + video.ID
	require.Equal(t, http.StatusNotFound, r.nobody.ask(t, http.MethodDelete, path, "").StatusCode)
	require.Equal(t, http.StatusForbidden, r.member.ask(t, http.MethodDelete, path, "").StatusCode)
	require.Equal(t, http.StatusNoContent, r.owner.ask(t, http.MethodDelete, path, "").StatusCode)
	require.Equal(t, http.StatusNotFound, r.member.ask(t, http.MethodDelete, path, "").StatusCode, "who may only watch removes nothing from the trash")
	require.Equal(t, http.StatusOK, r.owner.ask(t, http.MethodPost, path+"/restore", "").StatusCode)
	require.Equal(t, http.StatusOK, r.member.ask(t, http.MethodGet, path, "").StatusCode)

	require.Equal(t, http.StatusNoContent, r.owner.ask(t, http.MethodDelete, path, "").StatusCode)
	require.Equal(t, http.StatusNoContent, r.owner.ask(t, http.MethodDelete, path, "").StatusCode)
	require.Equal(t, http.StatusNotFound, r.owner.ask(t, http.MethodGet, path, "").StatusCode)
	garbage, err := r.catalog.Garbage(t.Context())
	require.NoError(t, err)
	require.Contains(t, garbage, catalog.ObjectPrefix(video.ID))
}

// TestOpenUploadsAreCounted: a runaway script is stopped, and what is finished
// does not count.
func TestOpenUploadsAreCounted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.start(t, catalog.Private)
	_, err := r.db.Writer.ExecContext(t.Context(), `
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
		INSERT INTO videos (id, slug, owner_id, title, title_folded, visibility, state, created_at, updated_at)
		SELECT 'v' || i, 's' || i, ?0, 't', 't', 'private', 'recording', ?1, ?1 FROM n`, r.owner.account.ID, first.CreatedAt)
	require.NoError(t, err)
	_, err = r.db.Writer.ExecContext(t.Context(), `INSERT INTO uploads (id, video_id, received, state, created_at, touched_at)
		SELECT id || 'u', id, 1, 'open', created_at, created_at FROM videos WHERE id <> ?`, first.ID)
	require.NoError(t, err)
	refused := r.owner.ask(t, http.MethodPost, "/api/videos", "{}")
	require.Equal(t, http.StatusTooManyRequests, refused.StatusCode)
	require.NotEmpty(t, refused.Header.Get("Retry-After"))
	require.Contains(t, text(t, refused), "open_uploads")
	require.Equal(t, http.StatusCreated, r.member.ask(t, http.MethodPost, "/api/videos", "{}").StatusCode)
	require.Equal(t, http.StatusOK, r.owner.ask(t, http.MethodPost, "/api/videos/"+first.ID+"/finish", "").StatusCode)
	require.Equal(t, http.StatusCreated, r.owner.ask(t, http.MethodPost, "/api/videos", "{}").StatusCode)
}

// TestUploadsWithoutAByteAreFew: attack 53, uploads that are begun and never sent.
func TestUploadsWithoutAByteAreFew(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	made, video := 0, ""
	for range 100 {
		res := r.owner.ask(t, http.MethodPost, "/api/videos", "{}")
		if res.StatusCode == http.StatusTooManyRequests {
			require.Contains(t, text(t, res), "open_uploads")
			break
		}
		require.Equal(t, http.StatusCreated, res.StatusCode)
		made, video = made+1, res.Header.Get("Location")
	}
	require.Equal(t, 20, made)
	res := r.owner.ask(t, http.MethodPost, "/api/uploads", "", "Tus-Resumable", "1.0.0", "Upload-Length", "0")
	require.Equal(t, http.StatusTooManyRequests, res.StatusCode, "by the other way, too")
	v := r.read(t, strings.TrimPrefix(video, "/api/videos/"))
	r.send(t, v, 0, []byte("a byte"))
	require.Equal(t, http.StatusCreated, r.owner.ask(t, http.MethodPost, "/api/videos", "{}").StatusCode, "one that sends does not count")
}
