package admin

import (
	"context"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/census"
)

// countEvery is how long a count of the storage is good for: it reads every row of
// the videos.
const countEvery = 30 * time.Second

// mostWorkspaces are listed; the largest come first.
const mostWorkspaces = 200

// StoredIn is what one workspace holds.
type StoredIn struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Bytes        int64  `json:"bytes" doc:"What its recordings and their renditions hold, the trash included"`
	QuotaBytes   int64  `json:"quota_bytes" doc:"What it may hold; 0 is no bound"`
	Videos       int    `json:"videos" doc:"All of them, the trash included"`
	Trashed      int    `json:"trashed"`
	TrashedBytes int64  `json:"trashed_bytes"`
}

// Stored is what the installation holds.
type Stored struct {
	Bytes         int64      `json:"bytes" doc:"What all recordings and their renditions hold, the trash included"`
	Videos        int        `json:"videos"`
	Trashed       int        `json:"trashed" doc:"Videos in the trash"`
	TrashedBytes  int64      `json:"trashed_bytes"`
	Uploads       int        `json:"uploads" doc:"Uploads that are not finished"`
	UploadBytes   int64      `json:"upload_bytes" doc:"What has come of them"`
	Garbage       int        `json:"garbage" doc:"Objects, or groups of them, that wait to be deleted"`
	Objects       string     `json:"objects" doc:"What keeps the media"`
	Database      string     `json:"database" doc:"What keeps the records"`
	DatabaseBytes int64      `json:"database_bytes"`
	Workspaces    []StoredIn `json:"workspaces" nullable:"false" doc:"The largest first, 200 at most"`
	CountedAt     time.Time  `json:"counted_at"`
}

// StorageOutput is what the installation holds.
type StorageOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Stored
}

// ReadStorage is GET /api/admin/storage.
func (a *API) ReadStorage(ctx context.Context, _ *struct{}) (*StorageOutput, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.storage != nil && a.Now().Sub(a.counted) < countEvery {
		return a.storage, nil
	}
	counted, err := a.count(ctx)
	if err != nil {
		return nil, err
	}
	a.storage, a.counted = &StorageOutput{CacheControl: noStore, Body: counted}, a.Now()
	return a.storage, nil
}

func (a *API) count(ctx context.Context) (Stored, error) {
	s, err := a.Census.Storage(ctx)
	if err != nil {
		return Stored{}, err
	}
	spaces, err := a.Census.Workspaces(ctx, mostWorkspaces)
	if err != nil {
		return Stored{}, err
	}
	records, err := a.Census.Database(ctx)
	if err != nil {
		return Stored{}, err
	}
	out := Stored{
		Bytes: s.Bytes, Videos: s.Videos, Trashed: s.Trashed, TrashedBytes: s.TrashedBytes, Uploads: s.Uploads, UploadBytes: s.UploadBytes,
		Garbage: s.Garbage, Objects: a.Objects, Database: records.Kind, DatabaseBytes: records.Bytes, CountedAt: a.Now().UTC(),
		Workspaces: make([]StoredIn, 0, len(spaces)),
	}
	for _, w := range spaces {
		out.Workspaces = append(out.Workspaces, storedIn(w))
	}
	return out, nil
}

func storedIn(w census.Workspace) StoredIn {
	return StoredIn{ID: w.ID, Name: w.Name, Bytes: w.Bytes, QuotaBytes: w.Quota, Videos: w.Videos, Trashed: w.Trashed, TrashedBytes: w.TrashedBytes}
}
