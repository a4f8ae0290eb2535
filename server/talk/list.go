package talk

import (
	"bytes"
	"cmp"
	"container/list"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/meanwhile-app/meanwhile/server/access"
	"github.com/meanwhile-app/meanwhile/storage/catalog"
)

// Comments is the list of what was said about a video.
type Comments struct {
	Items []Comment `json:"items" nullable:"false"`
}

// CommentsOutput answers with a list as JSON.
type CommentsOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// CommentsResponses describes CommentsOutput in the API's document: the bytes
// are a Comments.
func CommentsResponses(api huma.API) map[string]*huma.Response {
	schema := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Comments](), true, "Comments")
	return map[string]*huma.Response{"200": {
		Description: "What was said, in the order of the video's moments",
		Content:     map[string]*huma.MediaType{"application/json": {Schema: schema}},
	}}
}

// ListComments is GET /api/videos/{id}/comments: all of them, for a seek bar
// shows all. A list of thousands is read and encoded once, and brought up to
// date by what has changed since.
func (a *API) ListComments(ctx context.Context, _ *ByVideo) (*CommentsOutput, error) {
	kept, err := a.current(ctx, access.Video(ctx))
	if err != nil {
		return nil, err
	}
	return &CommentsOutput{ContentType: "application/json", Body: kept.render(readerOf(ctx))}, nil
}

// current is the list as of the video's version, or a later one.
func (a *API) current(ctx context.Context, v *catalog.Video) (*kept, error) {
	old := a.shelf.get(v.ID)
	if old != nil && old.version >= v.CommentsVersion {
		return old, nil
	}
	if old != nil {
		changed, err := a.catalog.Comments(ctx, v.ID, old.version)
		if err != nil {
			return nil, err
		}
		fresh, err := old.with(changed, v.CommentsVersion)
		if err != nil {
			return nil, err
		}
		// Another number means that something was deleted.
		if len(fresh.lines) == v.Comments {
			a.shelf.put(v.ID, fresh)
			return fresh, nil
		}
	}
	all, err := a.catalog.Comments(ctx, v.ID, catalog.AllComments)
	if err != nil {
		return nil, err
	}
	fresh, err := (&kept{}).with(all, v.CommentsVersion)
	if err == nil {
		a.shelf.put(v.ID, fresh)
	}
	return fresh, err
}

// line is a comment as everybody reads it, and what decides about the rest.
type line struct {
	id     string
	order  int64 // the moment
	time   int64 // of writing
	json   []byte
	author string
	guest  []byte
	answer bool
}

// kept is a list of comments at a version. It is never changed.
type kept struct {
	version int64
	lines   []line
	bytes   int
}

// with makes the list that has some comments added or replaced.
func (k *kept) with(changed []*catalog.Comment, version int64) (*kept, error) {
	fresh := &kept{version: version, lines: make([]line, 0, len(k.lines)+len(changed))}
	replaced := make(map[string]bool, len(changed))
	for _, c := range changed {
		l, err := lineOf(c)
		if err != nil {
			return nil, err
		}
		fresh.lines = append(fresh.lines, l)
		replaced[l.id] = true
	}
	for _, l := range k.lines {
		if !replaced[l.id] {
			fresh.lines = append(fresh.lines, l)
		}
	}
	slices.SortFunc(fresh.lines, func(a, b line) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.time, b.time), cmp.Compare(a.id, b.id))
	})
	for _, l := range fresh.lines {
		fresh.bytes += len(l.json) + len(longestMay)
	}
	return fresh, nil
}

// noMay ends the JSON of a comment that nobody may do anything with.
const (
	noMay      = `{"edit":false,"delete":false,"resolve":false}}`
	longestMay = noMay + ","
)

func lineOf(c *catalog.Comment) (line, error) {
	raw, err := json.Marshal(viewOf(c))
	if err != nil {
		return line{}, err
	}
	head, ok := bytes.CutSuffix(raw, []byte(noMay))
	if !ok {
		return line{}, fmt.Errorf("talk: a comment's JSON ends in %q", raw[max(0, len(raw)-len(noMay)):])
	}
	return line{
		id: c.ID, order: c.AtUS, time: c.CreatedAt.UnixMicro(), json: head,
		author: c.AuthorID, guest: c.GuestHash, answer: c.ParentID != "",
	}, nil
}

// render writes the list for one reader.
func (k *kept) render(r reader) []byte {
	out := make([]byte, 0, k.bytes+len(`{"items":[]}`))
	out = append(out, `{"items":[`...)
	for i, l := range k.lines {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, l.json...)
		out = r.may(l.author, l.guest, l.answer).appendTo(out)
		out = append(out, '}')
	}
	return append(out, `]}`...)
}

// appendTo writes what json.Marshal would, thousands of times in a list.
func (m May) appendTo(out []byte) []byte {
	out = strconv.AppendBool(append(out, `{"edit":`...), m.Edit)
	out = strconv.AppendBool(append(out, `,"delete":`...), m.Delete)
	out = strconv.AppendBool(append(out, `,"resolve":`...), m.Resolve)
	return append(out, '}')
}

// shelfBytes is how much memory kept lists may take.
const shelfBytes = 32 << 20

// shelf keeps the lists that were read last.
type shelf struct {
	mu    sync.Mutex
	lists map[string]*list.Element
	order *list.List // of *shelved, the last used first
	bytes int
}

type shelved struct {
	videoID string
	*kept
}

func newShelf() *shelf { return &shelf{lists: map[string]*list.Element{}, order: list.New()} }

func (s *shelf) get(videoID string) *kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.lists[videoID]
	if e == nil {
		return nil
	}
	s.order.MoveToFront(e)
	return e.Value.(*shelved).kept //nolint:forcetypeassert // put keeps nothing else
}

// put keeps a list unless a later one is kept already.
func (s *shelf) put(videoID string, k *kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.lists[videoID]; e != nil {
		if e.Value.(*shelved).version > k.version { //nolint:forcetypeassert // put keeps nothing else
			return
		}
		s.drop(e)
	}
	s.lists[videoID] = s.order.PushFront(&shelved{videoID, k})
	s.bytes += k.bytes
	for s.bytes > shelfBytes {
		s.drop(s.order.Back())
	}
}

// drop runs with the lock held.
func (s *shelf) drop(e *list.Element) {
	old := s.order.Remove(e).(*shelved) //nolint:forcetypeassert // put keeps nothing else
	delete(s.lists, old.videoID)
	s.bytes -= old.bytes
}
