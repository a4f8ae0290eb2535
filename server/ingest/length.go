package ingest

import (
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
