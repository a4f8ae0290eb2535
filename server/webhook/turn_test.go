package webhook

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/database/databasetest"
	"github.com/meanwhile-app/meanwhile/storage/jobs"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/webhook"
)

// TestASlowReceiverBlocksNobody is F28 in the queue as it runs: while receivers
// hang, with much that waits for them, others are told at once, in the same
// workspace and in another one. A workspace has two lines open at most. By the
// clock of the records no time passes, or a slow machine would outlive the leases.
func TestASlowReceiverBlocksNobody(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		t.Helper()
		handlers := jobs.NewHandlers()
		r := newRig(t, db, jobs.Options{Handlers: handlers, Webhooks: true, Kind: jobs.KindServer})
		r.sender.Patience = time.Hour
		r.sender.Register(handlers)
		jobs.Handle(handlers, func(context.Context, jobs.Job[jobs.Housekeeping]) error { return nil })
		slow, beside, elsewhere := newReceiver(t, r), newReceiver(t, r), newReceiver(t, r)
		var open, opened atomic.Int64
		slow.answers(func(_ http.ResponseWriter, req *http.Request) {
			open.Add(1)
			opened.Add(1)
			<-req.Context().Done()
			open.Add(-1)
		})
		r.hook(t, slow.URL)
		r.hook(t, beside.URL)
		here := r.video(t, catalog.InTeam)
		other, err := r.catalog.CreateWorkspace(t.Context(), people.NewWorkspace{OwnerID: r.owner.ID, Name: "Elsewhere"})
		require.NoError(t, err)
		r.owner.WorkspaceID = other.ID
		for range 9 { // more than there are slots
			r.hook(t, slow.URL)
		}
		r.video(t, catalog.InTeam)
		third, err := r.catalog.CreateWorkspace(t.Context(), people.NewWorkspace{OwnerID: r.owner.ID, Name: "Third"})
		require.NoError(t, err)
		r.owner.WorkspaceID = third.ID
		r.hook(t, elsewhere.URL)
		there := r.video(t, catalog.InTeam)

		require.NoError(t, r.queue.Start(t.Context()))
		t.Cleanup(func() { require.NoError(t, r.queue.Stop(context.WithoutCancel(t.Context()))) })
		require.Eventually(t, func() bool { return open.Load() == 3 }, testTime, tick)
		for n := range 20 {
			r.comment(t, here, fmt.Sprint("comment ", n))
			r.comment(t, there, fmt.Sprint("comment ", n))
		}
		require.Eventually(t, func() bool { return len(beside.messages()) == 21 && len(elsewhere.messages()) == 21 }, testTime, tick)
		require.EqualValues(t, 3, open.Load(), "they hang as before")
		require.EqualValues(t, 3, opened.Load())
	})
}

// TestALongQueueIsSentInTurns: whoever has much to be told lets others in between,
// and gets all of it in its order.
func TestALongQueueIsSentInTurns(t *testing.T) {
	t.Parallel()
	r := newRig(t, databasetest.New(t, databasetest.Engine()), jobs.Options{})
	rec := newReceiver(t, r)
	w := r.hook(t, rec.URL)
	v := r.video(t, catalog.InTeam)
	for n := range 2*perTurn + 10 {
		r.advance(r.clock().Add(time.Millisecond))
		r.comment(t, v, fmt.Sprintf("number %03d", n))
	}
	first := r.waiting(t)[0]
	r.run(t, first)
	require.Len(t, rec.messages(), perTurn, "one turn")
	r.pass(t, r.clock())
	all := rec.messages()
	require.Len(t, all, 2*perTurn+11)
	for i, m := range all[1:] {
		require.Contains(t, m.body, fmt.Sprintf("number %03d", i))
		require.Equal(t, 1, strings.Count(m.body, "number"))
	}
	log, err := r.store.Deliveries(t.Context(), w.WorkspaceID, w.ID)
	require.NoError(t, err)
	require.Len(t, log, 100, "the log is bounded")
	require.Equal(t, 100, r.count(t, "SELECT count(*) FROM webhook_deliveries"))
	require.Equal(t, webhook.Delivered, log[0].State)
}

// TestManyThatWaitForALineAreOne: a webhook whose workspace has its lines in use
// is looked at again by one job, however much waits for it.
func TestManyThatWaitForALineAreOne(t *testing.T) {
	t.Parallel()
	r := newRig(t, databasetest.New(t, databasetest.Engine()), jobs.Options{})
	rec := newReceiver(t, r)
	w := r.hook(t, rec.URL)
	v := r.video(t, catalog.InTeam)
	for n := range 20 {
		r.comment(t, v, fmt.Sprintf("number %02d", n))
	}
	for range 2 { // whose receivers take their time
		r.hook(t, rec.URL)
	}
	r.execute(t, "UPDATE webhooks SET lease_job = 1, lease_until = ? WHERE id <> ?", r.clock().Add(time.Minute), w.ID)
	for range 3 {
		for _, d := range r.waiting(t) {
			if d.args.At.After(r.clock()) {
				r.advance(d.args.At)
			}
			r.run(t, d)
		}
		require.Len(t, r.waiting(t), 1)
	}
	require.Empty(t, rec.messages())
	r.execute(t, "UPDATE webhooks SET lease_job = NULL, lease_until = NULL")
	r.pass(t, r.clock().Add(time.Minute))
	require.Len(t, rec.messages(), 21)
}
