package record

import "sync"

// EventKind tells what happened.
type EventKind string

// The kinds of event.
const (
	VideoChanged EventKind = "video"
	VideoRemoved EventKind = "video_removed"
	// VideoHidden says that fewer people may see a video than before: who may
	// not any more must forget it.
	VideoHidden    EventKind = "video_hidden"
	CommentChanged EventKind = "comment"
	CommentRemoved EventKind = "comment_deleted"
	// AccessLost says that media grants of a video, or of an account, from
	// before Event.Epoch are void.
	AccessLost EventKind = "access_lost"
	// RecordingEnds asks the server that takes a recording over WebRTC to end it.
	RecordingEnds EventKind = "recording_ends"
	// NoticeAdded says that something came into an account's inbox, or left it.
	NoticeAdded EventKind = "notice"
)

// Event says that a record changed; whoever may see it reads it anew.
type Event struct {
	Kind      EventKind `json:"kind"`
	VideoID   string    `json:"video,omitempty"`
	CommentID string    `json:"comment,omitempty"` // for the kinds of comment
	AccountID string    `json:"account,omitempty"` // for NoticeAdded, AccessLost of an account, VideoHidden from one alone, VideoRemoved and RecordingEnds: whose it was
	// WorkspaceID is, for VideoRemoved and VideoHidden, the workspace whose people
	// could all see it before; "" if only its owner and who was named could.
	WorkspaceID string `json:"workspace,omitempty"`
	Epoch       int64  `json:"epoch,omitempty"`   // for AccessLost
	SessionID   string `json:"session,omitempty"` // for RecordingEnds
}

// subscriberBuffer is how many events may wait for a slow subscriber before the
// oldest knowledge it has counts as lost and it is told to read everything.
const subscriberBuffer = 64

// Subscription receives events. When C is closed the subscriber was too slow or
// has been ended, and should start anew.
type Subscription struct {
	C     <-chan Event
	close func()
}

// Close ends the subscription. It may be called twice.
func (s *Subscription) Close() { s.close() }

type hub struct {
	mu    sync.Mutex
	rooms map[string]map[chan Event]struct{}
}

func newHub() *hub { return &hub{rooms: map[string]map[chan Event]struct{}{}} }

func (h *hub) subscribe(room string) *Subscription {
	ch := make(chan Event, subscriberBuffer)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rooms[room] == nil {
		h.rooms[room] = map[chan Event]struct{}{}
	}
	h.rooms[room][ch] = struct{}{}
	return &Subscription{C: ch, close: func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.drop(room, ch)
	}}
}

func (h *hub) publish(events []Event) {
	if len(events) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range events {
		h.tell(e.VideoID, e)
		if e.VideoID != "" {
			h.tell("", e)
		}
	}
}

// restart ends all subscriptions: their holders begin anew.
func (h *hub) restart() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for room, channels := range h.rooms {
		for ch := range channels {
			h.drop(room, ch)
		}
	}
}

// tell runs with the lock held.
func (h *hub) tell(room string, e Event) {
	for ch := range h.rooms[room] {
		select {
		case ch <- e:
		default:
			h.drop(room, ch)
		}
	}
}

// drop runs with the lock held.
func (h *hub) drop(room string, ch chan Event) {
	if _, ok := h.rooms[room][ch]; !ok {
		return
	}
	delete(h.rooms[room], ch)
	if len(h.rooms[room]) == 0 {
		delete(h.rooms, room)
	}
	close(ch)
}
