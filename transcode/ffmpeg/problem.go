package ffmpeg

import (
	"errors"
	"strings"
	"unicode"
)

const (
	notAMedium  = "This file is not a video or audio recording that Meanwhile can read."
	unreadable  = "Meanwhile could not read this recording: the file is damaged, cut off, or of a kind it does not know."
	tookTooLong = "Converting this recording took longer than Meanwhile allows for its length."
	stoodStill  = "Converting this recording came to a standstill."
	tooLarge    = "Converting this recording made more data than Meanwhile allows for its length."
	diskFull    = "The server has no room left to convert this recording."
	tooHungry   = "Converting this recording needs more memory than Meanwhile allows."
	unavailable = "The server cannot run ffmpeg, which converts recordings."
)

// Problem is a failure in words that the owner of a video can read.
type Problem struct {
	Sentence string
	// Detail is for the log: what ffmpeg said, cleaned and bounded.
	Detail string
	// Passing says that another try may succeed: the machine was at fault, not
	// the recording.
	Passing bool
}

// Error implements error.
func (p *Problem) Error() string {
	if p.Detail == "" {
		return p.Sentence
	}
	return p.Sentence + " (" + p.Detail + ")"
}

// Sentence returns what to tell the owner about err.
func Sentence(err error) string {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.Sentence
	}
	return "Converting this recording failed for a reason inside the server."
}

// IsPermanent says that err lies in the recording itself, so that another try
// would only repeat it.
func IsPermanent(err error) bool {
	p, ok := errors.AsType[*Problem](err)
	return ok && !p.Passing
}

// clean makes text that came from a child process fit for logs, databases and
// JSON: valid UTF-8 in one line, without control characters.
func clean(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '\t' {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	return strings.TrimSpace(text)
}

// LacksEncoder says that this build of ffmpeg cannot write what was asked for.
func LacksEncoder(err error) bool {
	p, ok := errors.AsType[*Problem](err)
	return ok && (strings.Contains(p.Detail, "Unknown encoder") || strings.Contains(p.Detail, "Unknown format"))
}

// IsFull says that the disk below the job's folder had no room left.
func IsFull(err error) bool {
	p, ok := errors.AsType[*Problem](err)
	return ok && p.Sentence == diskFull
}
