// Package access is the one gate. Whatever names a video – a page, an API
// call, a playlist, a segment, a comment, an upload – passes here before its
// handler runs, and the answer to "who asks, and what may they do with it" is
// worked out in one place. A route that declares no need is closed.
package access

import (
	"context"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

// Rights are what somebody may do with one video. Edit includes its settings,
// its sharing and its removal.
type Rights struct {
	Watch, Comment, Download, Edit bool
}

// RightsOf decides what a principal may do with a video. It is the only place
// that knows the rules. What the video says of the principal (Named, Via) must
// have been filled in by a Finder for that same principal.
func RightsOf(p auth.Principal, v *catalog.Video) Rights {
	if p.Account != nil && p.Account.ID == v.OwnerID {
		return Rights{Watch: true, Comment: !v.Trashed(), Download: true, Edit: true}
	}
	if v.Visibility == catalog.Private {
		return Rights{}
	}
	role := p.Account.RoleIn(v.WorkspaceID)
	if v.Visibility == catalog.NamedOnly {
		role = "" // nobody in the workspace is let in for that alone
	}
	if v.Trashed() {
		if role.AtLeast(people.Admin) {
			return Rights{Watch: true, Download: true, Edit: true}
		}
		return Rights{}
	}
	return byRole(role).and(byName(v)).and(byLink(v)).and(byAddress(v, p.Account != nil))
}

// Without says whether a principal that comes by a share link may watch without
// what the link asks for: because of who it is, or because it has been let in. That
// the video's own address is open to everybody does not count, for whoever has the
// link need not know that one.
func Without(p auth.Principal, v *catalog.Video) bool {
	seen := *v
	if seen.Visibility == catalog.WithLink {
		seen.Visibility = catalog.InTeam
	}
	return RightsOf(p, &seen).Watch
}

// and adds rights that somebody has for another reason.
func (r Rights) and(o Rights) Rights {
	return Rights{Watch: r.Watch || o.Watch, Comment: r.Comment || o.Comment, Download: r.Download || o.Download, Edit: r.Edit || o.Edit}
}

// byRole is what belonging to the workspace gives.
func byRole(role people.Role) Rights {
	inside := role.AtLeast(people.Viewer)
	return Rights{Watch: inside, Comment: inside, Download: inside, Edit: role.AtLeast(people.Admin)}
}

// byName is what having been named gives.
func byName(v *catalog.Video) Rights {
	return Rights{Watch: v.Named, Comment: v.Named && v.NamedMayComment, Download: v.Named && v.NamedMayDownload}
}

// byLink is what a share link gives.
func byLink(v *catalog.Video) Rights {
	if v.Via == nil || v.Via.VideoID != v.ID {
		return Rights{}
	}
	return Rights{Watch: true, Comment: v.Via.MayComment, Download: v.Via.MayDownload}
}

// byAddress is what the video's own address gives, if it is open.
func byAddress(v *catalog.Video, signedIn bool) Rights {
	if v.Visibility != catalog.WithLink {
		return Rights{}
	}
	return Rights{Watch: true, Comment: signedIn || v.GuestsMayComment, Download: v.GuestsMayDownload}
}

func (r Rights) has(right Right) bool {
	switch right {
	case ToComment:
		return r.Comment
	case ToDownload:
		return r.Download
	case ToEdit:
		return r.Edit
	}
	return r.Watch
}

type contextKey struct{}

// entry is what the gate found out about a request.
type entry struct {
	video  *catalog.Video
	rights Rights
	locked *catalog.ShareLink
	grant  Grant
}

func with(ctx context.Context, e entry) context.Context {
	return context.WithValue(ctx, contextKey{}, e)
}

func entryOf(ctx context.Context) entry {
	e, _ := ctx.Value(contextKey{}).(entry)
	return e
}

// Video is the video that the request names. The gate has made sure that there
// is one on every route that declares so.
func Video(ctx context.Context) *catalog.Video { return entryOf(ctx).video }

// May tells what the request's principal may do with the video it names.
func May(ctx context.Context) Rights { return entryOf(ctx).rights }

// Locked is the share link that the request's page names when it lets nobody in
// yet: it asks for a password, or counts who opens it. It is nil otherwise.
func Locked(ctx context.Context) *catalog.ShareLink { return entryOf(ctx).locked }

// Granted is the grant that a request for media came with.
func Granted(ctx context.Context) Grant { return entryOf(ctx).grant }

// WithVideo puts a video and its rights into a context, for the few routes that
// make a video and then go on as if they had named it.
func WithVideo(ctx context.Context, p auth.Principal, v *catalog.Video) context.Context {
	return with(ctx, entry{video: v, rights: RightsOf(p, v)})
}
