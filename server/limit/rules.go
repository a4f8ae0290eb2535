package limit

import (
	"time"

	"github.com/meanwhile-app/meanwhile/storage/budget"
)

// Class is what a request does, as far as its limit cares.
type Class string

// The classes of requests.
const (
	// Free is not counted: what a signed grant opens, the bytes of an upload.
	Free Class = ""
	// Read looks something up.
	Read Class = "read"
	// Write changes something.
	Write Class = "write"
	// Upload begins a video.
	Upload Class = "upload"
	// Comment says something about a video.
	Comment Class = "comment"
	// Report tells what somebody watched, or how he liked it.
	Report Class = "report"
	// Invite makes the server write to people.
	Invite Class = "invite"
	// Refused is a request with a token that is not known.
	Refused Class = "refused"
)

// rule is how often a class of requests may be made: by one account, from
// anywhere; and by everybody without one in a network.
type rule struct {
	account, network budget.Limit
}

// rules never bother somebody quick, a page of thirty requests or a program
// that asks ten times a second; an office of many people shares one network.
func rules() map[Class]rule {
	return map[Class]rule{
		Read:    {perSecond(1000, 50), perSecond(2000, 100)},
		Write:   {perSecond(300, 20), perSecond(200, 5)},
		Upload:  {perSecond(500, 10), perSecond(50, 1)},
		Comment: {perSecond(300, 10), perMinute(20, 12)},
		Report:  {perSecond(600, 20), perSecond(300, 10)},
		Invite:  {perMinute(200, 20), perMinute(20, 2)},
		Refused: {network: perMinute(100, 20)},
	}
}

// Kind is a kind of secret that somebody might guess.
type Kind string

// The kinds of secret.
const (
	// Password is an account's; the subject is the address that was typed.
	Password Kind = "password"
	// Code is six digits, or a recovery code; the subject is the account.
	Code Kind = "code"
	// LinkPassword is a share link's; the subject is the link.
	LinkPassword Kind = "link"
	// Token is one of 256 random bits, in a link of ours. Nobody guesses it; what
	// is bounded is the work of looking.
	Token Kind = "token"
	// Letter is no secret but mail that a stranger may cause; the subject is the
	// address it goes to.
	Letter Kind = "letter"
)

// trial is how often a secret may be tried: at one subject from one network, at
// all subjects from one network, and at one subject from everywhere. The zero
// limit is none.
type trial struct {
	pair, network, subject budget.Limit
}

// trials slow down whoever guesses. The limit from everywhere is what a guesser
// with a thousand networks meets; a network from which the right answer came
// lately is excused from it, so that nobody is shut out by strangers. Six digits
// are few: at one try in two minutes a day of guessing finds one of a thousand.
func trials() map[Kind]trial {
	return map[Kind]trial{
		Password:     {pair: perMinute(10, 10), network: perMinute(40, 40), subject: perMinute(100, 30)},
		Code:         {pair: perMinute(5, 5), network: perMinute(40, 40), subject: budget.Limit{Burst: 20, Every: 2 * time.Minute}},
		LinkPassword: {pair: perMinute(5, 5), network: perMinute(40, 40), subject: perMinute(30, 10)},
		Token:        {network: perMinute(40, 40)},
		Letter:       {network: perMinute(20, 2), subject: budget.Limit{Burst: 5, Every: 10 * time.Minute}},
	}
}

// rememberFor is how long a network is excused after the right answer.
const rememberFor = 30 * 24 * time.Hour

func perSecond(burst, n int) budget.Limit {
	return budget.Limit{Burst: burst, Every: time.Second / time.Duration(n)}
}

func perMinute(burst, n int) budget.Limit {
	return budget.Limit{Burst: burst, Every: time.Minute / time.Duration(n)}
}

// times makes a limit wider; 0 makes it none.
func times(l budget.Limit, factor float64) budget.Limit {
	if factor <= 0 || l.Burst == 0 {
		return budget.Limit{}
	}
	return budget.Limit{
		Burst: max(1, int(float64(l.Burst)*factor)),
		Every: max(time.Microsecond, time.Duration(float64(l.Every)/factor)),
	}
}
