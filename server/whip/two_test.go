package whip_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/whip/mux"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
)

// TestARecordingEndsFromAnotherServer: media come in at one server, and what is said
// about them reaches another. It ends the recording, which is whole when it answers,
// and where the one that had it has died, with what that had kept.
func TestARecordingEndsFromAnotherServer(t *testing.T) {
	t.Parallel()
	clip, tone := newClip(t, mux.H264, "320x240", 105), newTone(t, 4)
	folder, shared := t.TempDir(), databaseVariable+"="+databasetest.URL(t, database.PostgreSQL)
	here := serve(t, folder, shared)
	there := serve(t, folder, shared)
	here.signUp(t)
	there.token = here.token
	for _, dies := range []bool{false, true} {
		c := newClient(t, nil, wants{video: mux.H264, audio: true})
		video := here.publish(t, c)
		sent := c.send(t, clip, tone[:175])
		later := there.ask(t, http.MethodPatch, c.location, struct{}{}, nil)
		require.Equal(t, http.StatusServiceUnavailable, later.StatusCode)
		text, err := io.ReadAll(later.Body)
		require.NoError(t, err)
		require.Contains(t, string(text), "whip_elsewhere")
		stranger := *there
		stranger.token = ""
		require.Equal(t, http.StatusUnauthorized, stranger.ask(t, http.MethodDelete, c.location, struct{}{}, nil).StatusCode)
		require.Equal(t, http.StatusNotFound, there.ask(t, http.MethodDelete, strings.Replace(c.location, video, "nothing", 1), struct{}{}, nil).StatusCode)
		require.Equal(t, "recording", there.view(t, video).State)
		if dies {
			here.kept(t, video, time.Second)
			here.kill()
		}
		require.Equal(t, http.StatusOK, there.ask(t, http.MethodDelete, c.location, struct{}{}, nil).StatusCode)
		// A server that says that it is there may take longer than it is waited for.
		require.Eventually(t, func() bool { return there.view(t, video).State != "recording" }, testTime, tick)
		requireShown(t, sent, hashes(t, there.source(t, there.view(t, video))), !dies)
		require.Equal(t, http.StatusNotFound, there.ask(t, http.MethodDelete, c.location, struct{}{}, nil).StatusCode, "it is over")
	}
}
