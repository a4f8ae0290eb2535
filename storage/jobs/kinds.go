package jobs

import (
	"time"

	"github.com/riverqueue/river"
)

// Priorities of a job in its queue; the lowest number goes first.
const (
	// Waiting is for work that somebody waits for: the last span of a take.
	Waiting = 1
	// Live is for work that keeps up with a recording.
	Live = 2
	// Bulk is for imported files and whatever can wait.
	Bulk = 3
)

// QueueMedia holds everything that runs ffmpeg, QueueMail what is sent to people,
// QueueWebhook what is sent to their programs.
const (
	QueueMedia   = "media"
	QueueMail    = "mail"
	QueueWebhook = "webhook"
)

// ofVideo is a job that a video's workspace waits for in its turn.
type ofVideo interface{ video() string }

// Span makes every rung of one span of a video.
type Span struct {
	VideoID string `json:"video_id"`
	Span    int    `json:"span"`
	// Take counts how often the recording was continued after it had been
	// closed; a job of an earlier take does nothing.
	Take int `json:"take"`
}

func (j Span) video() string { return j.VideoID }

// Kind implements river.JobArgs.
func (Span) Kind() string { return "span" }

// Audio makes the continuous audio rendition of a whole video.
type Audio struct {
	VideoID string `json:"video_id"`
	Take    int    `json:"take"`
}

func (j Audio) video() string { return j.VideoID }

// Kind implements river.JobArgs.
func (Audio) Kind() string { return "audio" }

// Stills makes poster, storyboard and preview.
type Stills struct {
	VideoID string `json:"video_id"`
	Take    int    `json:"take"`
	// Early asks for the poster alone, while the recording still runs.
	Early bool `json:"early"`
}

func (j Stills) video() string { return j.VideoID }

// Kind implements river.JobArgs.
func (Stills) Kind() string { return "stills" }

// Probe looks into a file that is not a stream of fragments, decides whether it
// can be used and plans its spans.
type Probe struct {
	VideoID string `json:"video_id"`
	Take    int    `json:"take"`
}

func (j Probe) video() string { return j.VideoID }

// Kind implements river.JobArgs.
func (Probe) Kind() string { return "probe" }

// Housekeeping closes silent uploads, drops expired ones, empties the trash and
// deletes objects without rows.
type Housekeeping struct{}

// Kind implements river.JobArgs.
func (Housekeeping) Kind() string { return "housekeeping" }

// Mail sends one letter to one address. It holds no secrets: a token that a
// letter carries is made when the letter is sent.
type Mail struct {
	// Template names the letter.
	Template string `json:"template"`
	To       string `json:"to"`
	// Ref is the id of the record that the letter is about.
	Ref string `json:"ref"`
}

// Kind implements river.JobArgs.
func (Mail) Kind() string { return "mail" }

// Webhook sends what waits for one webhook.
type Webhook struct {
	WebhookID string `json:"webhook_id"`
	// EventID is what it was put in for. One job may send more, or find that
	// another was faster.
	EventID string `json:"event_id"`
	// At is when to begin; the zero time is at once.
	At time.Time `json:"at,omitzero"`
}

// Kind implements river.JobArgs.
func (Webhook) Kind() string { return "webhook" }

// Args is what names a job and carries its input; one of the types above.
type Args = river.JobArgs
