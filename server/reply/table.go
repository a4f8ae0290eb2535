package reply

import (
	"context"
	"errors"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/database"
	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// StatusClientGone is what nginx made customary for a client that went away
// before its answer was ready. Nobody reads it but the log.
const StatusClientGone = 499

// Problems that handlers return by name. They are never changed.
//
//nolint:errname,gochecknoglobals // they are answers: return reply.NotFound says what the client gets
var (
	// NotFound is the answer to what does not exist and to what the client must
	// not know of: both look the same.
	NotFound = New(http.StatusNotFound, "not_found", "There is no such thing here, or not for you.")
	// SignIn is the answer to a stranger where an account is needed.
	SignIn = New(http.StatusUnauthorized, "sign_in", "Sign in to do this.")
	// Forbidden is the answer to somebody known who may not do this.
	Forbidden = New(http.StatusForbidden, "forbidden", "You may not do this.")
	// Scope is the answer to an API token that was made for less.
	Scope = New(http.StatusForbidden, "scope", "This API token was not made for this; make one with a wider scope.")
	// CrossSite is the answer to a request that another site made a browser send.
	CrossSite = New(http.StatusForbidden, "cross_site", "This request comes from another site.")
	// TooMany is the answer to a client that tries too often.
	TooMany = New(http.StatusTooManyRequests, "too_many", "Too many attempts. Wait a moment and try again.")
	// TooLarge is the answer to a body above its limit.
	TooLarge = New(http.StatusRequestEntityTooLarge, "too_large", "This is more than is accepted here.")
	// Invalid is the answer to a request with wrong values.
	Invalid = New(http.StatusUnprocessableEntity, "invalid", "Something in the request is not right.")
	// Method is the answer to a method that the path does not know.
	Method = New(http.StatusMethodNotAllowed, "method", "This cannot be done here.")
	// Stopping is the answer of a server that is going down.
	Stopping = New(http.StatusServiceUnavailable, "stopping", "The server is restarting. Try again in a moment.").After(time.Second)
	// Internal is the answer when the server is at fault.
	Internal = New(http.StatusInternalServerError, "internal", "Something went wrong on the server. Its log has the reason.")

	full       = New(http.StatusInsufficientStorage, "full", "The server has no room left. Nothing that was saved is lost; try again when there is room.")
	clientGone = New(StatusClientGone, "client_gone", "The client went away.")
	tooSlow    = New(http.StatusServiceUnavailable, "too_slow", "This took too long. Try again in a moment.")
	malformed  = New(http.StatusBadRequest, "malformed", "The body of the request could not be read to its end.")
	stalled    = New(http.StatusRequestTimeout, "stalled", "The request stopped arriving.")
)

// retryDatabase is about how long a database takes to restart.
const retryDatabase = 2 * time.Second

// storeAway is when to ask a store again that did not answer.
const storeAway = 5 * time.Second

// row joins an error value to its answer.
type row struct {
	err     error
	problem *Problem
}

// table is read from the top: the first row that fits an error answers it.
func table() []row {
	return append(accountRows(), []row{
		{record.ErrNotFound, NotFound},
		{objects.ErrNotFound, NotFound},
		{record.ErrUnavailable, New(http.StatusServiceUnavailable, "unavailable", "The database is busy or restarts. Nothing was changed; try again in a moment.").After(retryDatabase)},
		{database.ErrUncertain, New(http.StatusServiceUnavailable, "uncertain", "The database went away just as this was saved. Look whether it was before you try again.").After(retryDatabase)},
		{record.ErrFull, full},
		{objects.ErrFull, full},
		{objects.ErrUnavailable, New(http.StatusServiceUnavailable, "store_away", "The store of the media does not answer. Nothing that was saved is lost; try again in a moment.").After(storeAway)},
		{syscall.ENOSPC, full},
		{syscall.EDQUOT, full},
		{catalog.ErrOffset, New(http.StatusConflict, "offset", "The upload stands at another offset; ask for it and go on from there.")},
		{catalog.ErrTooManyUploads, New(http.StatusTooManyRequests, "open_uploads", "Too many of your uploads are open at once. Finish some, or wait until they are closed.").After(time.Minute)},
		{people.ErrStorage, New(http.StatusRequestEntityTooLarge, "storage_full", "The storage of your workspace is full. Delete what nobody needs, or ask an admin for more room; what was saved before is kept.")},
		{people.ErrSize, New(http.StatusRequestEntityTooLarge, "upload_too_large", "This is larger than your workspace allows.")},
		{people.ErrLength, New(http.StatusRequestEntityTooLarge, "video_too_long", "This is longer than your workspace allows.")},
		{catalog.ErrFinished, New(http.StatusConflict, "finished", "This upload is finished.")},
		{catalog.ErrLength, New(http.StatusRequestEntityTooLarge, "length", "More bytes came than were announced.")},
		{catalog.ErrCursor, New(http.StatusUnprocessableEntity, "cursor", "This cursor is not one of ours.").At("query.cursor")},
		{catalog.ErrAlreadyDone, New(http.StatusConflict, "already_done", "This has been done already.")},
		{record.ErrOtherRequest, New(http.StatusUnprocessableEntity, "key_used", "This Idempotency-Key was sent before with another request. Make a new one for each thing that is to be made.")},
		{record.ErrDuplicate, New(http.StatusConflict, "exists", "This exists already.")},
		{context.Canceled, clientGone},
		{context.DeadlineExceeded, tooSlow},
		{os.ErrDeadlineExceeded, stalled},
	}...)
}

// accountRows are the answers about accounts, sessions and invitations.
func accountRows() []row {
	return []row{
		{people.ErrToken, New(http.StatusNotFound, "token", "This link is not valid any more. Ask for a new one.")},
		{people.ErrSetUp, New(http.StatusConflict, "set_up", "This server is set up already. Sign in instead.")},
		{people.ErrEmailTaken, New(http.StatusConflict, "email_taken", "There is an account with this e-mail address already.").At("body.email")},
		{people.ErrLastOwner, New(http.StatusConflict, "last_owner", "A workspace needs an owner. Make somebody else an owner first.")},
		{people.ErrRole, New(http.StatusForbidden, "role", "Your role in this workspace is not enough for that.")},
		{people.ErrHeir, New(http.StatusConflict, "heir", "Say who takes over the videos: somebody of this workspace who may record.").At("query.heir")},
		{people.ErrMember, New(http.StatusConflict, "member", "You belong to this workspace already.")},
		{record.ErrTooMany, New(http.StatusConflict, "too_many_of_these", "There are too many of these already; delete one first.")},
	}
}

// Of finds the answer to an error. What is in no row is the server's fault.
func Of(err error) *Problem {
	if known, ok := errors.AsType[*Problem](err); ok {
		return known
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return TooLarge.Because(err)
	}
	if invalid, ok := errors.AsType[*record.InvalidError](err); ok {
		return New(Invalid.Status, Invalid.Code, invalid.Message).At("body." + invalid.Field)
	}
	for _, r := range table() {
		if errors.Is(err, r.err) {
			return r.problem.Because(err)
		}
	}
	return Internal.Because(err)
}
