package catalog

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/meanwhile-app/meanwhile/storage/record"
)

// videos selects videos with their owner's name and their upload's state, and
// with what the account that asks, or "", was named for.
func videos(db bun.IDB, dest any, accountID string) *bun.SelectQuery {
	return db.NewSelect().Model(dest).
		ColumnExpr("video.*, account.name AS owner_name, upload.id AS upload_id, upload.state AS upload_state, coalesce(upload.length, 0) AS upload_length, upload.received AS upload_received").
		ColumnExpr("named.video_id IS NOT NULL AS named, coalesce(named.may_comment, FALSE) AS named_may_comment, coalesce(named.may_download, FALSE) AS named_may_download").
		Join("JOIN accounts AS account ON account.id = video.owner_id").
		Join("JOIN uploads AS upload ON upload.video_id = video.id").
		Join("LEFT JOIN video_people AS named ON named.video_id = video.id AND named.account_id = ?", accountID)
}

// Video finds a video by its id.
func (c *Catalog) Video(ctx context.Context, id string) (*Video, error) {
	return c.VideoFor(ctx, "", VideoID, id)
}

// VideoKey is how a video is named.
type VideoKey string

// The ways to name a video: by its id, its own address, its upload, one of its
// comments, the address or the id of one of its share links, or a request to
// watch it.
const (
	VideoID        VideoKey = "video.id = ?"
	VideoSlug      VideoKey = "video.slug = ?"
	VideoUpload    VideoKey = "upload.id = ?"
	VideoComment   VideoKey = "video.id = (SELECT video_id FROM comments WHERE id = ?)"
	VideoShareLink VideoKey = "video.id = (SELECT video_id FROM share_links WHERE slug = ?)"
	VideoLinkID    VideoKey = "video.id = (SELECT video_id FROM share_links WHERE id = ?)"
	VideoRequest   VideoKey = "video.id = (SELECT video_id FROM access_requests WHERE id = ?)"
)

// VideoFor finds a video by one of its names, with what the account that asks
// was named for.
func (c *Catalog) VideoFor(ctx context.Context, accountID string, key VideoKey, value string) (*Video, error) {
	video := new(Video)
	if err := videos(c.DB.Reader, video, accountID).Where(string(key), value).Scan(ctx); err != nil {
		return nil, record.Translate(err)
	}
	return video, nil
}

// ErrCursor says that a cursor was not made by this server.
var ErrCursor = errors.New("the cursor is not one of ours")

// Filter chooses a list of videos.
type Filter string

// The filters: everything in the workspace that may be watched, one's own, what
// others have named one for in any workspace, one's own trash, which for admins
// is that of the workspace.
const (
	FilterAll    Filter = "all"
	FilterMine   Filter = "mine"
	FilterShared Filter = "shared"
	FilterTrash  Filter = "trash"
)

// ListQuery asks for a page of videos, newest first.
type ListQuery struct {
	AccountID string
	// WorkspaceID is where to look; only FilterShared looks everywhere.
	WorkspaceID string
	Filter      Filter
	// Admin shows, in the trash, what the whole workspace could see.
	Admin bool
	// Words must all occur in the title; case and accents do not matter.
	Words  string
	Cursor string
	Limit  int
}

// Page is a part of a list; Next is the cursor of the following part, or "".
type Page struct {
	Videos []*Video
	Next   string
}

type cursor struct {
	// At is the video's time in microseconds since 1970.
	At int64  `json:"t"`
	ID string `json:"i"`
}

// Videos lists the videos that an account may watch.
func (c *Catalog) Videos(ctx context.Context, q ListQuery) (Page, error) {
	var found []*Video
	query := videos(c.DB.Reader, &found, q.AccountID).OrderExpr("video.created_at DESC, video.id DESC").Limit(int64(q.Limit) + 1)
	switch q.Filter {
	case FilterTrash:
		query = query.Where("video.workspace_id = ? AND video.trashed_at IS NOT NULL", q.WorkspaceID).
			Where("(video.owner_id = ? OR ? AND video.visibility IN (?, ?))", q.AccountID, q.Admin, InTeam, WithLink)
	case FilterMine:
		query = query.Where("video.workspace_id = ? AND video.owner_id = ? AND video.trashed_at IS NULL", q.WorkspaceID, q.AccountID)
	case FilterShared:
		query = query.Where("named.video_id IS NOT NULL AND video.owner_id <> ? AND video.trashed_at IS NULL AND video.visibility <> ?", q.AccountID, Private)
	default:
		query = query.Where("video.workspace_id = ? AND video.trashed_at IS NULL", q.WorkspaceID).
			Where("(video.owner_id = ? OR video.visibility IN (?, ?) OR video.visibility = ? AND named.video_id IS NOT NULL)", q.AccountID, InTeam, WithLink, NamedOnly)
	}
	for word := range strings.FieldsSeq(fold(q.Words)) {
		query = query.Where(`video.title_folded LIKE ? ESCAPE '\'`, "%"+likeEscaper().Replace(word)+"%")
	}
	if q.Cursor != "" {
		at, err := parseCursor(q.Cursor)
		if err != nil {
			return Page{}, err
		}
		query = query.Where("(video.created_at, video.id) < (?, ?)", time.UnixMicro(at.At).UTC(), at.ID)
	}
	if err := query.Scan(ctx); err != nil {
		return Page{}, record.Translate(err)
	}
	page := Page{Videos: found}
	if len(found) > q.Limit {
		page.Videos = found[:q.Limit]
		last := found[q.Limit-1]
		page.Next = cursor{At: last.CreatedAt.UnixMicro(), ID: last.ID}.String()
	}
	return page, nil
}

func likeEscaper() *strings.Replacer {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)
}

// String implements fmt.Stringer.
func (c cursor) String() string {
	raw, _ := json.Marshal(c) // a number and a string always marshal
	return base64.RawURLEncoding.EncodeToString(raw)
}

func parseCursor(text string) (cursor, error) {
	var c cursor
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil || c.ID == "" || strings.ContainsRune(c.ID, 0) {
		return cursor{}, ErrCursor
	}
	return c, nil
}
