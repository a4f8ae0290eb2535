package ingest

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// lengthHeader announces how long an upload is.
const lengthHeader = "Upload-Length"

// forgiveRepeat drops an announced length that the upload knows already. A
// client whose last PATCH was cut says it again when it goes on; tusd would
// refuse that, and with it the end of the recording.
func (in *Ingest) forgiveRepeat(r *http.Request, id string) {
	announced, err := strconv.ParseInt(r.Header.Get(lengthHeader), 10, 64)
	if err != nil || r.Method != http.MethodPatch {
		return
	}
	upload, err := in.catalog.Upload(r.Context(), id)
	if err == nil && upload.Length.Valid && upload.Length.Int64 == announced {
		r.Header.Del(lengthHeader)
	}
}

// tooLate says that a request brings bytes for an upload that is finished. tusd
// would answer that all is well and take none of them, and its client would
// send them again and again.
func tooLate(r *http.Request, video *catalog.Video) bool {
	return video.UploadState == catalog.UploadFinished && r.ContentLength != 0 &&
		r.Header.Get("Upload-Offset") == strconv.FormatInt(video.Size, 10)
}

type seenKey struct{}

// withSeen lets a request that goes on where the gate has seen its upload stand
// work with that, instead of reading it again. If another request comes between,
// it is told so when its bytes are to count. It lacks what the client said at
// creation, which is asked for by HEAD alone.
func withSeen(r *http.Request, video *catalog.Video) *http.Request {
	if video == nil || r.Method != http.MethodPatch || r.Header.Get(lengthHeader) != "" || video.UploadReceived == 0 ||
		r.Header.Get("Upload-Offset") != strconv.FormatInt(video.UploadReceived, 10) {
		return r
	}
	row := &catalog.Upload{ID: video.UploadID, VideoID: video.ID, Received: video.UploadReceived, State: video.UploadState, Metadata: json.RawMessage("{}")}
	row.Length.Int64, row.Length.Valid = video.UploadLength, video.UploadLength > 0
	return r.WithContext(context.WithValue(r.Context(), seenKey{}, row))
}

// seen is the upload as the gate has seen it, or nil.
func seen(ctx context.Context) *catalog.Upload {
	row, _ := ctx.Value(seenKey{}).(*catalog.Upload)
	return row
}
