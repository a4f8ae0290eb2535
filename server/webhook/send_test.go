package webhook

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/notify"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/webhook"
)

// verified says whether a message is signed by a secret.
func verified(t *testing.T, secret string, m got) bool {
	t.Helper()
	signer, err := standard.NewWebhook(secret)
	require.NoError(t, err)
	return signer.VerifyIgnoringTimestamp([]byte(m.body), m.header) == nil
}

// TestAMessageIsSignedAndTellsOfTheEvent: attack 33 of the list, from the side of
// the receiver: the standard's own library takes a message as it is, and not one
// whose body, id or time is another.
func TestAMessageIsSignedAndTellsOfTheEvent(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		t.Helper()
		r := newRig(t, db, jobs.Options{})
		rec := newReceiver(t, r)
		w := r.hook(t, rec.URL)
		v := r.video(t, catalog.InTeam)
		r.advance(r.clock().Add(time.Millisecond))
		r.comment(t, v, "Look here")
		r.pass(t, r.clock())
		all := rec.messages()
		require.Len(t, all, 2)
		signer, err := standard.NewWebhook(w.Secret)
		require.NoError(t, err)
		for _, m := range all {
			require.NoError(t, signer.Verify([]byte(m.body), m.header), "as the standard's library does it, with its window of five minutes")
			require.NotContains(t, m.body+m.signature, strings.TrimPrefix(w.Secret, "whsec_"))
			for _, header := range []string{standard.HeaderWebhookID, standard.HeaderWebhookTimestamp} {
				forged := m.header.Clone()
				forged.Set(header, "1"+forged.Get(header))
				require.Error(t, signer.VerifyIgnoringTimestamp([]byte(m.body), forged), header)
			}
			require.Error(t, signer.VerifyIgnoringTimestamp([]byte(m.body+" "), m.header))
			old := m.header.Clone()
			at := time.Now().Add(-6 * time.Minute)
			signature, err := signer.Sign(m.id, at, []byte(m.body))
			require.NoError(t, err)
			old.Set(standard.HeaderWebhookSignature, signature)
			old.Set(standard.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
			require.Error(t, signer.Verify([]byte(m.body), old), "a replay after five minutes")
		}
		var told struct {
			Type string
			Data webhook.Data
		}
		require.NoError(t, json.Unmarshal([]byte(all[1].body), &told))
		require.Equal(t, "comment.created", told.Type)
		require.Equal(t, "Look here", told.Data.Comment.Body)
		require.Equal(t, "Ada", told.Data.Comment.Author)
		require.Equal(t, "https://video.example.org/v/"+v.Slug, told.Data.Video.WatchURL)
		require.Equal(t, r.owner.WorkspaceID, told.Data.WorkspaceID)
	})
}

// TestARenewedSecretHasADay signs by both secrets while receivers change over.
func TestARenewedSecretHasADay(t *testing.T) {
	t.Parallel()
	r := newRig(t, databasetest.New(t, databasetest.Engine()), jobs.Options{})
	rec := newReceiver(t, r)
	old := r.hook(t, rec.URL)
	renewed, err := r.store.RenewSecret(t.Context(), old.WorkspaceID, old.ID)
	require.NoError(t, err)
	require.NotEqual(t, old.Secret, renewed.Secret)
	r.video(t, catalog.InTeam)
	r.pass(t, r.clock())
	r.advance(r.clock().Add(24*time.Hour + time.Second))
	r.video(t, catalog.InTeam)
	r.pass(t, r.clock())
	all := rec.messages()
	require.Len(t, all, 2)
	require.True(t, verified(t, old.Secret, all[0]) && verified(t, renewed.Secret, all[0]))
	require.False(t, verified(t, old.Secret, all[1]))
	require.True(t, verified(t, renewed.Secret, all[1]))
	_, err = sign([]string{""}, "evt_1", time.Now(), nil)
	require.Error(t, err, "nothing goes out without a secret")
	_, err = sign([]string{"whsec_"}, "evt_1", time.Now(), nil)
	require.Error(t, err)
}

// TestAReceiverThatIsDownGetsAllOfIt is F28: a receiver is away for an hour, as
// one that refuses, one that is slow and one that nobody reaches. Every event
// arrives once it is back, under the id of its first attempt, signed anew; it is
// not called more often than its backoff says; and a receiver beside it misses
// nothing.
func TestAReceiverThatIsDownGetsAllOfIt(t *testing.T) {
	t.Parallel()
	ways := map[string]func(r *rig) http.HandlerFunc{
		"500": func(*rig) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }
		},
		"redirect": func(*rig) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/")
				w.WriteHeader(http.StatusFound)
			}
		},
		"slow": (*rig).slow,
		"cut": func(*rig) http.HandlerFunc {
			return func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		},
	}
	for name, down := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			databasetest.Each(t, func(t *testing.T, db *database.DB) {
				t.Helper()
				r := newRig(t, db, jobs.Options{})
				outage(t, r, down(r))
			})
		})
	}
}

// hasty lets a receiver's time be over as soon as it says so: by the clock, one that
// answers would be too late as well whenever the machine is slow.
type hasty struct {
	http.RoundTripper
	over chan struct{}
}

// RoundTrip implements http.RoundTripper.
func (h hasty) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	ended := make(chan error, 1)
	go func() {
		defer cancel()
		select {
		case <-h.over:
			ended <- os.ErrDeadlineExceeded
		case <-ctx.Done():
			ended <- nil
		}
	}()
	res, err := h.RoundTripper.RoundTrip(req.WithContext(ctx))
	cancel()
	if late := <-ended; late != nil {
		return nil, late
	}
	return res, err
}

// slow is a receiver that never answers.
func (r *rig) slow() http.HandlerFunc {
	over := make(chan struct{})
	r.sender.client.Transport = hasty{r.sender.client.Transport, over}
	return func(_ http.ResponseWriter, req *http.Request) {
		over <- struct{}{}
		<-req.Context().Done()
	}
}

// TestAReceiverHasItsTime and no more.
func TestAReceiverHasItsTime(t *testing.T) {
	t.Parallel()
	r := newRig(t, databasetest.New(t, databasetest.Engine()), jobs.Options{})
	r.sender.Patience = time.Second
	rec := newReceiver(t, r)
	rec.answers(func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() })
	o, err := r.sender.post(t.Context(), r.plain(rec.URL), r.plainMessage())
	require.NoError(t, err)
	require.Equal(t, "The receiver did not answer within 1 seconds.", o.Problem)
	require.Zero(t, o.Status)
	require.Equal(t, 10*time.Second, NewSender(Options{Guard: r.sender.Guard}).Patience, "ten seconds, as documented")
}

func outage(t *testing.T, r *rig, down http.HandlerFunc) {
	t.Helper()
	bad, good := newReceiver(t, r), newReceiver(t, r)
	w := r.hook(t, bad.URL)
	r.hook(t, good.URL)
	began := r.clock()
	bad.answers(down)
	v := r.video(t, catalog.WithLink)
	r.pass(t, began.Add(10*time.Minute))
	for range 3 {
		r.comment(t, v, "while it is down")
	}
	r.pass(t, began.Add(time.Hour))
	require.Len(t, good.messages(), 4, "others are not blocked")
	tries := len(bad.messages())
	require.Greater(t, tries, 3)
	require.Less(t, tries, 12, "it is left alone for longer and longer")
	now, err := r.store.Webhook(t.Context(), w.WorkspaceID, w.ID)
	require.NoError(t, err)
	require.True(t, now.Enabled)
	require.Equal(t, began, now.FailingSince.UTC())

	bad.status(http.StatusOK)
	r.pass(t, began.Add(2*time.Hour+10*time.Minute))
	require.Empty(t, r.waiting(t))
	first, taken := map[string]got{}, map[string]int{}
	for i, m := range bad.messages() {
		if _, known := first[m.id]; !known {
			first[m.id] = m
		}
		require.Equal(t, first[m.id].body, m.body, "the same in every attempt")
		require.True(t, verified(t, w.Secret, m))
		if i >= tries {
			taken[m.id]++
		}
	}
	require.Len(t, taken, 4, "all of it arrived")
	for _, m := range good.messages() {
		require.Equal(t, 1, taken[m.id], "the same event has the same id at both, and was taken once")
	}
	log, err := r.store.Deliveries(t.Context(), w.WorkspaceID, w.ID)
	require.NoError(t, err)
	for _, d := range log {
		require.Equal(t, webhook.Delivered, d.State)
		require.Equal(t, http.StatusOK, d.Status)
	}
	now, err = r.store.Webhook(t.Context(), w.WorkspaceID, w.ID)
	require.NoError(t, err)
	require.Zero(t, now.Failures, "a success resets")
	require.True(t, now.FailingSince.IsZero())
}

// TestAReceiverThatNeverComesBackIsSwitchedOff is the rest of F28: after a day it
// is called no more, and whoever made the webhook is told, once, by notice and
// mail.
func TestAReceiverThatNeverComesBackIsSwitchedOff(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		t.Helper()
		r := newRig(t, db, jobs.Options{})
		rec := newReceiver(t, r)
		rec.status(http.StatusServiceUnavailable)
		w := r.hook(t, rec.URL)
		began := r.clock()
		v := r.video(t, catalog.InTeam)
		r.pass(t, began.Add(23*time.Hour+50*time.Minute))
		r.comment(t, v, "late")
		now, err := r.store.Any(t.Context(), w.ID)
		require.NoError(t, err)
		require.True(t, now.Enabled)
		r.pass(t, began.Add(26*time.Hour))
		now, err = r.store.Any(t.Context(), w.ID)
		require.NoError(t, err)
		require.False(t, now.Enabled)
		require.Equal(t, webhook.WhyFailing, now.DisabledWhy)
		require.Less(t, len(rec.messages()), 60)
		notices, err := r.catalog.Notices(t.Context(), r.owner.ID, 10)
		require.NoError(t, err)
		require.Len(t, notices, 1)
		require.EqualValues(t, webhook.NoticeDisabled, notices[0].Kind)
		require.Equal(t, now.Host(), notices[0].ActorName)
		require.Equal(t, 1, r.count(t, "SELECT count(*) FROM river_job WHERE kind = 'mail' AND "+r.text("args")+" LIKE '%webhook_disabled%'"))

		calls := len(rec.messages())
		r.comment(t, v, "after the end")
		r.pass(t, began.Add(48*time.Hour))
		require.Len(t, rec.messages(), calls)
		rec.status(http.StatusOK)
		_, err = r.store.Change(t.Context(), w.WorkspaceID, w.ID, webhook.Change{Enabled: new(true)})
		require.NoError(t, err)
		log, err := r.store.Deliveries(t.Context(), w.WorkspaceID, w.ID)
		require.NoError(t, err)
		require.Len(t, log, 2, "what waited is in the log")
		for _, d := range log {
			require.Equal(t, webhook.Failed, d.State)
			_, err := r.store.SendAgain(t.Context(), w.WorkspaceID, w.ID, d.EventID)
			require.NoError(t, err)
		}
		r.pass(t, r.clock())
		require.Len(t, rec.messages(), calls+2)
		require.Equal(t, rec.messages()[calls-1].id, rec.messages()[0].id, "the id stays")
	})
}

func (r *rig) count(t *testing.T, query string, values ...any) int {
	t.Helper()
	var n int
	require.NoError(t, r.db.Reader.NewRaw(query, values...).Scan(t.Context(), &n))
	return n
}

// TestGoneMeansGone: 410 switches a webhook off at once.
func TestGoneMeansGone(t *testing.T) {
	t.Parallel()
	r := newRig(t, databasetest.New(t, databasetest.Engine()), jobs.Options{})
	rec := newReceiver(t, r)
	rec.status(http.StatusGone)
	w := r.hook(t, rec.URL)
	r.video(t, catalog.InTeam)
	r.pass(t, r.clock().Add(time.Hour))
	now, err := r.store.Any(t.Context(), w.ID)
	require.NoError(t, err)
	require.Equal(t, webhook.WhyGone, now.DisabledWhy)
	require.Len(t, rec.messages(), 1)
	write := Letters(r.store, r.sender.BaseURL)[webhook.MailDisabled]
	letter, err := write(t.Context(), w.ID, r.owner.Email)
	require.NoError(t, err)
	require.Equal(t, notify.WebhookOff{Host: now.Host(), Why: webhook.WhyGone, URL: "https://video.example.org/settings#webhooks"}, letter)
	_, err = write(t.Context(), "x", r.owner.Email)
	require.ErrorIs(t, err, notify.ErrStale)
	_, err = r.store.SendTest(t.Context(), w.WorkspaceID, w.ID)
	require.ErrorIs(t, err, webhook.ErrOff)
}

// TestOneMessageThatIsDislikedHoldsNoneBack: the receiver takes all but one.
func TestOneMessageThatIsDislikedHoldsNoneBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, databasetest.New(t, databasetest.Engine()), jobs.Options{})
	rec := newReceiver(t, r)
	w := r.hook(t, rec.URL)
	v := r.video(t, catalog.InTeam)
	r.pass(t, r.clock())
	rec.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) })
	poison := r.comment(t, v, "poison")
	r.pass(t, r.clock())
	disliked := rec.messages()[1].id
	rec.answers(func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get(standard.HeaderWebhookID) == disliked {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	for range 40 {
		r.comment(t, v, "fine")
		r.pass(t, r.clock().Add(45*time.Minute))
	}
	require.NotEmpty(t, poison.ID)
	now, err := r.store.Any(t.Context(), w.ID)
	require.NoError(t, err)
	require.True(t, now.Enabled, "it takes what else there is")
	log, err := r.store.Deliveries(t.Context(), w.WorkspaceID, w.ID)
	require.NoError(t, err)
	states := map[webhook.State]int{}
	for _, d := range log {
		states[d.State]++
	}
	require.Equal(t, map[webhook.State]int{webhook.Delivered: 41, webhook.Failed: 1}, states)
}

// TestHiddenVideosAreNotTold is attack 6 at webhooks: nothing of a video goes out
// that the workspace may not see, nor what was hidden, thrown away or deleted
// while its message waited.
func TestHiddenVideosAreNotTold(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		t.Helper()
		r := newRig(t, db, jobs.Options{})
		rec := newReceiver(t, r)
		w := r.hook(t, rec.URL)
		for _, hidden := range []catalog.Visibility{catalog.Private, catalog.NamedOnly} {
			v := r.video(t, hidden)
			r.comment(t, v, "secret")
		}
		r.pass(t, r.clock())
		require.Empty(t, rec.messages())
		rec.status(http.StatusBadGateway)
		v, trashed, spoken := r.video(t, catalog.InTeam), r.video(t, catalog.InTeam), r.video(t, catalog.InTeam)
		said := r.comment(t, spoken, "taken back")
		r.pass(t, r.clock())
		calls := len(rec.messages())
		_, err := r.catalog.ChangeVideo(t.Context(), v.ID, catalog.VideoChange{Visibility: new(catalog.Private)})
		require.NoError(t, err)
		require.NoError(t, r.catalog.DeleteComment(t.Context(), said.ID))
		r.execute(t, "UPDATE videos SET trashed_at = ? WHERE id = ?", r.clock(), trashed.ID)
		rec.status(http.StatusOK)
		r.pass(t, r.clock().Add(2*time.Hour))
		after := rec.messages()[calls:]
		require.Len(t, after, 1)
		require.Contains(t, after[0].body, spoken.ID)
		require.NotContains(t, after[0].body, "taken back")
		require.Equal(t, 2, r.count(t, "SELECT count(*) FROM webhook_deliveries WHERE webhook_id = ? AND state = 'dropped' AND data = '{}'", w.ID))
	})
}

// TestAVideoIsReadyOnce is F4 at webhooks: however often the end of a take is
// noted, its event has one id.
func TestAVideoIsReadyOnce(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		t.Helper()
		r := newRig(t, db, jobs.Options{})
		rec := newReceiver(t, r)
		r.hook(t, rec.URL)
		v := r.video(t, catalog.InTeam)
		for range 3 {
			r.execute(t, "UPDATE videos SET state = 'processing', has_audio = ?, audio_done = ? WHERE id = ?", true, false, v.ID)
			require.NoError(t, r.catalog.CommitAudio(t.Context(), v.ID, 0, catalog.Track{ObjectKey: "a" + v.ID, Rendition: catalog.Rendition{Name: "audio", Kind: "audio"}}))
			r.execute(t, "DELETE FROM tracks WHERE video_id = ?", v.ID)
		}
		require.NoError(t, r.catalog.FailVideo(t.Context(), v.ID, "because"))
		r.pass(t, r.clock())
		kinds := map[string]int{}
		for _, m := range rec.messages() {
			var told struct{ Type string }
			require.NoError(t, json.Unmarshal([]byte(m.body), &told))
			kinds[told.Type]++
		}
		require.Equal(t, map[string]int{"video.created": 1, "video.ready": 1, "video.failed": 1}, kinds)
	})
}

// TestARestartSendsWhatWasNotSent: the process ends after the commit and before,
// in and right after the attempt; another one sends under the same id.
func TestARestartSendsWhatWasNotSent(t *testing.T) {
	t.Parallel()
	r := newRig(t, databasetest.New(t, databasetest.Engine()), jobs.Options{})
	rec := newReceiver(t, r)
	r.hook(t, rec.URL)
	r.video(t, catalog.InTeam)
	job := r.waiting(t)[0]
	stopped, stop := context.WithCancel(t.Context())
	rec.answers(func(_ http.ResponseWriter, req *http.Request) { stop(); <-req.Context().Done() })
	require.ErrorIs(t, r.sender.send(stopped, jobs.Job[jobs.Webhook]{ID: job.id, Args: job.args}), context.Canceled)
	rec.status(http.StatusOK)
	other := due{id: job.id + 1000, args: job.args}
	require.NoError(t, r.sender.send(t.Context(), jobs.Job[jobs.Webhook]{ID: other.id, Args: other.args}))
	require.Len(t, rec.messages(), 1, "another job does not send at the same time")
	r.run(t, job)
	r.pass(t, r.clock().Add(time.Hour))
	all := rec.messages()
	require.Len(t, all, 2)
	require.Equal(t, all[0].id, all[1].id)
}

// TestALostJobIsMadeUpFor: housekeeping finds what no job is there for.
func TestALostJobIsMadeUpFor(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		t.Helper()
		r := newRig(t, db, jobs.Options{})
		rec := newReceiver(t, r)
		r.hook(t, rec.URL)
		r.video(t, catalog.InTeam)
		r.drop(t, r.waiting(t)[0])
		require.NoError(t, r.store.Wake(t.Context()))
		require.Empty(t, r.waiting(t), "not at once: the job may be under way")
		r.advance(r.clock().Add(3 * time.Minute))
		require.NoError(t, r.store.Wake(t.Context()))
		require.NoError(t, r.store.Wake(t.Context()))
		require.Len(t, r.waiting(t), 1)
		r.pass(t, r.clock())
		require.Len(t, rec.messages(), 1)
	})
}
