package ingest

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

func TestAnUploadMakesItsVideo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.serve(t)
	path := s.create(t, -1, metadata("filename", `C:\films\tour.of.it.mp4`, "filetype", "video/mp4"))
	require.True(t, strings.HasPrefix(path, Path+"/"), "relative: %s", path)
	v := r.video(t, path)
	require.Equal(t, "tour.of.it", v.Title)
	require.Equal(t, "video/mp4", v.MIME)
	require.Equal(t, r.owner.ID, v.OwnerID)
	require.Equal(t, catalog.Recording, v.State)
	require.Equal(t, catalog.InTeam, v.Visibility)

	head := s.head(t, path)
	require.Equal(t, "0", head.header.Get("Upload-Offset"))
	require.Equal(t, "1", head.header.Get("Upload-Defer-Length"))
	require.Empty(t, head.header.Get("Upload-Length"))
	require.Equal(t, "no-store", head.header.Get("Cache-Control"))

	given := s.create(t, 10, metadata("filename", "x.webm", "title", " Ünïcode ✓ "))
	require.Equal(t, "Ünïcode ✓", r.video(t, given).Title)
	require.Equal(t, "10", s.head(t, given).header.Get("Upload-Length"))
	require.Contains(t, s.head(t, given).header.Get("Upload-Metadata"), "filename ")
}

func TestExpirationIsTold(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.serve(t)
	options := s.send(t, http.MethodOptions, Path, nil, nil)
	require.Equal(t, "1.0.0", options.header.Get("Tus-Version"))
	for _, extension := range []string{"creation", "creation-defer-length", "termination", "expiration"} {
		require.Contains(t, strings.Split(options.header.Get("Tus-Extension"), ","), extension)
	}
	created := s.send(t, http.MethodPost, Path, headers{"Upload-Length": "4"}, nil)
	path := created.header.Get("Location")
	first := s.patch(t, path, 0, strings.NewReader("ab"), nil)
	for _, got := range []answered{created, first, s.head(t, path)} {
		at, err := time.Parse(http.TimeFormat, got.header.Get("Upload-Expires"))
		require.NoError(t, err)
		require.Equal(t, r.clock.now().Add(expiry), at.UTC())
	}
	s.append(t, path, 2, []byte("cd"), nil)
	require.Empty(t, s.head(t, path).header.Get("Upload-Expires"), "what is whole does not expire")
}

func TestLiesAboutTheLength(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.serve(t)
	for length, status := range map[string]int{
		"-1": 400, "1e9": 400, "9223372036854775808": 400, "": 400, "0x10": 400, " ": 400,
		strconv.Itoa(MaxSize + 1): 413, "9223372036854775807": 413,
	} {
		got := s.send(t, http.MethodPost, Path, headers{"Upload-Length": length}, nil)
		require.Equal(t, status, got.status, "Upload-Length %q: %s", length, got.body)
		require.Contains(t, string(got.body), `"code":`)
	}
	both := s.send(t, http.MethodPost, Path, headers{"Upload-Length": "5", "Upload-Defer-Length": "1"}, nil)
	require.Equal(t, 400, both.status)
	page, err := r.catalog.Videos(t.Context(), catalog.ListQuery{AccountID: r.owner.ID, Limit: 10})
	require.NoError(t, err)
	require.Empty(t, page.Videos, "nothing was made of a lie")

	path := s.create(t, -1, nil)
	s.append(t, path, 0, []byte("abcde"), nil)
	for _, length := range []string{"-1", "4", "x", strconv.Itoa(MaxSize + 1)} {
		s.patch(t, path, 5, strings.NewReader("f"), headers{"Upload-Length": length}).problem(t, 400, "invalid_upload_length")
	}
	require.EqualValues(t, 5, s.head(t, path).offset(t))
	s.append(t, path, 5, []byte("f"), headers{"Upload-Length": "8"})
	s.patch(t, path, 6, strings.NewReader("g"), headers{"Upload-Length": "7"}).problem(t, 400, "invalid_upload_length")
	s.append(t, path, 6, []byte("gh"), nil)
	r.requireSource(t, path, []byte("abcdefgh"))
}

func TestWhatMetadataMustNotSay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.serve(t)
	for name, with := range map[string]headers{
		"long title": metadata("title", strings.Repeat("é", MaxTitle+1)),
		"nul":        metadata("title", "a\x00b"),
		"line break": metadata("filename", "a\r\nb.mp4"),
		"not UTF-8":  metadata("title", "a\xff"),
		"long type":  metadata("filetype", strings.Repeat("x", maxMIME+1)),
	} {
		with["Upload-Length"] = "5"
		got := s.send(t, http.MethodPost, Path, with, nil)
		require.Equal(t, http.StatusUnprocessableEntity, got.status, "%s: %s", name, got.body)
	}
	path := s.create(t, 5, metadata("title", "T", "owner_id", "somebody", "video_id", "another", "visibility", "link"))
	require.Equal(t, r.owner.ID, r.video(t, path).OwnerID, "the server decides")
	require.Equal(t, catalog.InTeam, r.video(t, path).Visibility)
}

func TestAnUploadIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	mine := r.serve(t)
	path := mine.create(t, 6, nil)
	mine.append(t, path, 0, []byte("abc"), nil)
	link := catalog.WithLink
	_, err := r.catalog.ChangeVideo(t.Context(), r.video(t, path).ID, catalog.VideoChange{Visibility: &link})
	require.NoError(t, err)

	for name, session := range map[string]string{"member": r.other, "nobody": ""} {
		other := r.serve(t)
		other.session = session
		absent := other.send(t, http.MethodPatch, Path+"/absent", nil, nil)
		for _, method := range []string{http.MethodHead, http.MethodPatch, http.MethodDelete, http.MethodPost} {
			h := headers{"Upload-Offset": "3", "Content-Type": "application/offset+octet-stream", "X-HTTP-Method-Override": "PATCH"}
			got := other.send(t, method, path, h, strings.NewReader("xyz"))
			require.Equal(t, http.StatusNotFound, got.status, "%s %s", name, method)
			if method != http.MethodHead {
				require.Equal(t, string(absent.body), string(got.body), "as if it did not exist")
			}
		}
	}
	anonymous := r.serve(t)
	anonymous.session = ""
	require.Equal(t, http.StatusUnauthorized, anonymous.send(t, http.MethodPost, Path, headers{"Upload-Length": "5"}, nil).status)
	mine.append(t, path, 3, []byte("def"), nil)
	r.requireSource(t, path, []byte("abcdef"))
}

func TestTerminationIsTheTrash(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.serve(t)
	raw := recording(t, "tiny.mp4")
	path := s.create(t, -1, nil)
	s.append(t, path, 0, raw, nil)
	require.Equal(t, http.StatusNoContent, s.send(t, http.MethodDelete, path, nil, nil).status)
	v := r.video(t, path)
	require.True(t, v.Trashed())
	require.Equal(t, http.StatusNotFound, s.send(t, http.MethodHead, path, nil, nil).status)
	require.Equal(t, http.StatusNotFound, s.patch(t, path, int64(len(raw)), strings.NewReader("x"), nil).status)

	require.NoError(t, r.catalog.RestoreVideo(t.Context(), v.ID))
	r.requireSource(t, path, raw)
	require.Equal(t, catalog.Processing, r.video(t, path).State)
}

func TestCreationMayBringBytes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.serve(t)
	raw := recording(t, "tiny.webm")
	h := headers{"Upload-Length": strconv.Itoa(len(raw)), "Content-Type": "application/offset+octet-stream"}
	got := s.send(t, http.MethodPost, Path, h, bytes.NewReader(raw))
	require.Equal(t, http.StatusCreated, got.status, string(got.body))
	require.EqualValues(t, len(raw), got.offset(t))
	r.requireSource(t, got.header.Get("Location"), raw)
	require.Equal(t, catalog.Processing, r.video(t, got.header.Get("Location")).State)
}

func TestAClientWithoutPatch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.serve(t)
	path := s.create(t, 3, nil)
	h := headers{"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream", "X-HTTP-Method-Override": "PATCH"}
	require.Equal(t, http.StatusNoContent, s.send(t, http.MethodPost, path, h, strings.NewReader("abc")).status)
	r.requireSource(t, path, []byte("abc"))
}

func TestOddPatches(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.serve(t)
	path := s.create(t, 6, nil)
	s.append(t, path, 0, []byte("abc"), nil)
	for _, wrong := range []int64{0, 2, 4, 1 << 60} {
		s.patch(t, path, wrong, strings.NewReader("x"), nil).problem(t, 409, "mismatched_offset")
	}
	s.patch(t, path, -1, strings.NewReader("x"), nil).problem(t, 400, "invalid_offset")
	s.patch(t, path, 3, strings.NewReader("x"), headers{"Content-Type": "text/plain"}).problem(t, 400, "invalid_content_type")
	s.patch(t, path, 3, strings.NewReader("x"), headers{"Tus-Resumable": "0.2.2"}).problem(t, 412, "unsupported_version")
	s.patch(t, path, 3, strings.NewReader("longer"), nil).problem(t, 413, "upload_size_exceeded")
	require.EqualValues(t, 3, s.head(t, path).offset(t), "the true offset")
	require.Len(t, r.objectsOf(t, path), 1)

	// Without a length the announced end is met in the middle of the body.
	over := s.patch(t, path, 3, io.MultiReader(strings.NewReader("defghi")), nil)
	over.problem(t, 413, "upload_size_exceeded")
	require.EqualValues(t, 6, s.head(t, path).offset(t))
	r.requireSource(t, path, []byte("abcdef"))

	s.patch(t, path, 3, strings.NewReader("x"), nil).problem(t, 409, "mismatched_offset")
	s.patch(t, path, 6, strings.NewReader("x"), nil).problem(t, 409, "finished")
	s.append(t, path, 6, nil, nil) // nothing more is no mistake
	require.EqualValues(t, 6, s.head(t, path).offset(t))
	r.requireSource(t, path, []byte("abcdef"))
}
