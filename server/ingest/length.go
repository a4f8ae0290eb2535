package ingest

import (
	"net/http"
	"strconv"
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
