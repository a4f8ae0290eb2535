package account

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/meanwhile-app/meanwhile/server/reply"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/departure"
	"github.com/meanwhile-app/meanwhile/storage/people"
	"github.com/meanwhile-app/meanwhile/storage/record"
)

// LeaveInput says what becomes of what somebody leaves behind.
type LeaveInput struct {
	Body struct {
		Email    string `json:"email" maxLength:"1000" doc:"The account's own address, so that nobody deletes it by mistake"`
		Videos   string `json:"videos" enum:"delete,hand_over" doc:"In workspaces that others belong to; elsewhere they are deleted"`
		HeirID   string `json:"heir_id,omitempty" maxLength:"64" doc:"Who takes the videos over"`
		Comments string `json:"comments" enum:"keep,delete" doc:"Those kept stand under “Deleted account”"`
	}
}

// LeftOutput ends the cookie.
type LeftOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

// Leave is POST /api/account/deletion: it removes the account that asks, for
// good. What is done before something is refused stays done; it can be asked
// for again.
func (a *API) Leave(ctx context.Context, in *LeaveInput) (*LeftOutput, error) {
	account, err := a.auth.NeedFresh(ctx)
	if err != nil {
		return nil, err
	}
	if email, err := people.NormalEmail(in.Body.Email); err != nil || email != account.Email {
		return nil, reply.New(http.StatusUnprocessableEntity, "invalid", "This is not the address of your account.").At("body.email")
	}
	gone := departure.New(a.catalog.People)
	if err := gone.LastOperator(ctx, account.ID); err != nil {
		return nil, operatorStays(err)
	}
	orphaned, err := gone.Orphaned(ctx, account.ID)
	if err != nil {
		return nil, err
	}
	if len(orphaned) > 0 {
		return nil, reply.New(http.StatusConflict, "last_owner", "You are the only owner of “"+strings.Join(orphaned, "”, “")+"”. Make somebody else an owner first.")
	}
	if in.Body.Videos == "hand_over" {
		if err := a.handOver(ctx, gone, account, in.Body.HeirID); err != nil {
			return nil, err
		}
	}
	if err := a.deleteVideos(ctx, gone, account); err != nil {
		return nil, err
	}
	if in.Body.Comments == "delete" {
		if err := a.deleteComments(ctx, gone, account); err != nil {
			return nil, err
		}
	}
	return &LeftOutput{SetCookie: a.auth.NoSession()}, operatorStays(gone.Remove(ctx, account, catalog.ViewerAccount(account.ID)))
}

// operatorStays tells the last operator what to do first.
func operatorStays(err error) error {
	if !errors.Is(err, departure.ErrLastOperator) {
		return err
	}
	return reply.New(http.StatusConflict, "last_operator",
		"Nobody else looks after this server. Let whoever runs it make another account for that first: “meanwhile user add --role owner”.")
}

// handOver leaves the workspaces that others belong to, and gives them the videos.
func (a *API) handOver(ctx context.Context, gone *departure.Store, account *people.Account, heirID string) error {
	shared, err := gone.Shared(ctx, account.ID)
	if err != nil {
		return err
	}
	for _, workspace := range shared {
		err := a.catalog.RemoveMember(ctx, people.Removal{WorkspaceID: workspace, By: account.ID, AccountID: account.ID, HeirID: heirID})
		if errors.Is(err, people.ErrHeir) {
			return reply.New(http.StatusConflict, "heir", "Choose somebody of each of your workspaces who takes your videos over, or leave those workspaces first.").At("body.heir_id")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *API) deleteVideos(ctx context.Context, gone *departure.Store, account *people.Account) error {
	videos, err := gone.OwnVideos(ctx, account.ID)
	for _, id := range videos {
		if err == nil {
			err = a.catalog.RemoveVideo(ctx, id)
		}
	}
	return err
}

// deleteComments removes what nobody else has answered, and empties the rest.
func (a *API) deleteComments(ctx context.Context, gone *departure.Store, account *people.Account) error {
	comments, err := gone.OwnComments(ctx, account.ID)
	if err != nil {
		return err
	}
	for _, c := range comments {
		if c.Answered {
			err = a.catalog.EditComment(ctx, c.ID, "(deleted)")
		} else {
			err = a.catalog.DeleteComment(ctx, c.ID)
		}
		if err != nil && !errors.Is(err, record.ErrNotFound) { // it may have gone with another one
			return err
		}
	}
	return nil
}
