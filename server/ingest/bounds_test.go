package ingest

import (
	"bytes"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

// bound sets bounds of the rig's workspace.
func (r *rig) bound(t *testing.T, change people.WorkspaceChange) {
	t.Helper()
	_, err := r.catalog.ChangeWorkspace(t.Context(), r.owner.WorkspaceID, change)
	require.NoError(t, err)
}

func (r *rig) used(t *testing.T) int64 {
	t.Helper()
	w, err := r.catalog.Workspace(t.Context(), r.owner.WorkspaceID)
	require.NoError(t, err)
	return w.UsedBytes
}

// F24: the quota is reached in the middle of a recording.
func TestAtTheQuotaARecordingEndsWithWhatCame(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.bound(t, people.WorkspaceChange{QuotaBytes: new(int64(90_000))})
	s := r.serve(t)
	raw := recording(t, "avc3-opus.mp4")
	path := s.create(t, -1, nil)
	s.append(t, path, 0, raw[:70_000], nil)
	s.patch(t, path, 70_000, bytes.NewReader(raw[70_000:]), nil).problem(t, http.StatusRequestEntityTooLarge, "storage_full")

	head := s.head(t, path)
	require.EqualValues(t, 70_000, head.offset(t))
	require.Equal(t, "70000", head.header.Get("Upload-Length"), "it is whole")
	s.patch(t, path, 70_000, bytes.NewReader(raw[70_000:]), nil).problem(t, http.StatusConflict, "finished")
	r.requireSource(t, path, raw[:70_000])
	require.Len(t, r.objectsOf(t, path), 1, "what was refused left nothing behind")
	v := r.video(t, path)
	require.Equal(t, catalog.Processing, v.State, "it plays, and its renditions are made")
	require.Equal(t, people.BoundStorage, v.Stopped)
	require.Positive(t, v.DurationUS)
	require.EqualValues(t, 70_000, r.used(t))

	// The same recording in a workspace that is large enough is cut by nothing.
	r.bound(t, people.WorkspaceChange{QuotaBytes: new(int64(0))})
	other := s.create(t, -1, nil)
	s.append(t, other, 0, raw, nil)
	require.Empty(t, r.video(t, other).Stopped)
}

func TestWhatCannotFitIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.bound(t, people.WorkspaceChange{QuotaBytes: new(int64(1000)), MaxUploadBytes: new(int64(800))})
	s := r.serve(t)
	ask := func(length int) answered {
		return s.send(t, http.MethodPost, Path, headers{"Upload-Length": strconv.Itoa(length)}, nil)
	}
	ask(801).problem(t, http.StatusRequestEntityTooLarge, "upload_too_large")
	first := s.create(t, 600, nil)
	ask(500).problem(t, http.StatusRequestEntityTooLarge, "storage_full")
	s.create(t, 400, nil)
	s.append(t, first, 0, make([]byte, 600), nil)
	require.EqualValues(t, 600, r.used(t), "what was announced had its place")
	ask(1).problem(t, http.StatusRequestEntityTooLarge, "storage_full")
	s.send(t, http.MethodPost, Path, headers{"Upload-Defer-Length": "1"}, nil).problem(t, http.StatusRequestEntityTooLarge, "storage_full")

	r.bound(t, people.WorkspaceChange{QuotaBytes: new(int64(0))})
	late := s.create(t, -1, nil)
	s.patch(t, late, 0, bytes.NewReader([]byte("abc")), headers{"Upload-Length": "900"}).problem(t, http.StatusRequestEntityTooLarge, "upload_too_large")
	s.patch(t, late, 0, bytes.NewReader(make([]byte, 801)), nil).problem(t, http.StatusRequestEntityTooLarge, "upload_too_large")
	require.Equal(t, people.BoundSize, r.video(t, late).Stopped)
}

func TestTheLongestVideo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.bound(t, people.WorkspaceChange{MaxLength: new(3 * time.Second)})
	s := r.serve(t)
	raw := recording(t, "avc3-opus.mp4")
	path := s.create(t, -1, nil)
	at := int64(0)
	for at < int64(len(raw)) {
		end := min(at+20_000, int64(len(raw)))
		got := s.patch(t, path, at, bytes.NewReader(raw[at:end]), nil)
		if got.status != http.StatusNoContent {
			got.problem(t, http.StatusRequestEntityTooLarge, "video_too_long")
			break
		}
		at = end
	}
	v := r.video(t, path)
	require.Equal(t, people.BoundLength, v.Stopped)
	require.GreaterOrEqual(t, v.Duration(), 3*time.Second)
	require.Less(t, v.Duration(), 6*time.Second)
	require.Equal(t, catalog.Processing, v.State)
}

func TestManyUploadsAtOnceStayWithinTheQuota(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.bound(t, people.WorkspaceChange{QuotaBytes: new(int64(50_000))})
	s := r.serve(t)
	paths := make([]string, 8)
	for i := range paths {
		paths[i] = s.create(t, -1, nil)
	}
	var wait sync.WaitGroup
	for _, path := range paths {
		wait.Go(func() {
			for at := int64(0); ; at += 3000 {
				got := s.patch(t, path, at, bytes.NewReader(make([]byte, 3000)), nil)
				if got.status != http.StatusNoContent {
					return
				}
			}
		})
	}
	wait.Wait()
	var sum int64
	for _, path := range paths {
		sum += r.video(t, path).Size
	}
	require.Equal(t, sum, r.used(t), "the books are right")
	require.LessOrEqual(t, sum, int64(50_000))
	require.Greater(t, sum, int64(47_000), "and the room was used")
}

func TestARecordingOverAnotherWayEndsAtTheQuotaToo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	take, err := r.serve(t).ingest.Record(auth.With(t.Context(), auth.Principal{Account: r.owner}), "t")
	require.NoError(t, err)
	require.NoError(t, take.Append(t.Context(), make([]byte, 600)))
	r.bound(t, people.WorkspaceChange{QuotaBytes: new(int64(1000))})
	require.ErrorIs(t, take.Append(t.Context(), make([]byte, 600)), people.ErrStorage)
	require.NoError(t, take.Finish(t.Context()))
	v, err := r.catalog.Video(t.Context(), take.VideoID())
	require.NoError(t, err)
	require.Equal(t, people.BoundStorage, v.Stopped)
	require.EqualValues(t, 600, v.Size)
}
