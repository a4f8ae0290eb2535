package sandbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Mode says how much of the sandbox a server insists on.
type Mode string

const (
	// Auto puts up what there is, and insists on one of landlock and seccomp.
	Auto Mode = "auto"
	// Required insists that nothing forbidden gets through.
	Required Mode = "required"
	// Off puts up neither landlock nor seccomp.
	Off Mode = "off"
)

// Level is how safe it is to work on media of strangers.
type Level string

// The levels that Status knows.
const (
	Full    Level = "full"    // nothing forbidden gets through
	Partial Level = "partial" // landlock or seccomp holds, but something gets through
	None    Level = "none"    // neither of them holds
)

// Status is what to tell the people who look after a server.
type Status struct {
	Level Level
	// Summary says what was proved, Advice what to do about it; empty if nothing.
	Summary, Advice string
}

const (
	adviceKernel = "Run Meanwhile on Linux 5.13 or newer with landlock among its security modules, in a container whose runtime allows landlock and seccomp (Docker 23 or newer does). "
	adviceOff    = "MEANWHILE_SANDBOX=off starts without; then accept recordings only from people you trust."
	// unsandboxed is the summary when the sandbox has been switched off.
	unsandboxed = "the sandbox for media is switched off: whoever uploads a video that exploits a bug in ffmpeg can do all that the server can"
)

// Open proves what this machine can do, in a folder below dir, and returns the
// sandbox to start programs in. It fails if that is less than the mode insists on.
func Open(ctx context.Context, mode Mode, dir string) (*Sandbox, Status, error) {
	if mode == Off {
		return &Sandbox{}, Status{Level: None, Summary: unsandboxed, Advice: "Remove MEANWHILE_SANDBOX=off unless you trust everybody who can upload."}, nil
	}
	proof, err := Prove(ctx, "", dir)
	if err != nil {
		return nil, Status{}, fmt.Errorf("the sandbox for media cannot be tried out: %w. %s", err, adviceOff)
	}
	status := proof.Status()
	if status.Level == None || mode == Required && status.Level != Full {
		return nil, status, errors.New(status.Summary + ". " + adviceKernel + adviceOff)
	}
	return &Sandbox{Layers: proof.Layers}, status, nil
}

// Level sums the proof up.
func (p *Proof) Level() Level {
	switch {
	case len(p.Through) == 0:
		return Full
	case p.Files || p.Calls:
		return Partial
	}
	return None
}

// Status puts the proof into words.
func (p *Proof) Status() Status {
	s := Status{Level: p.Level()}
	if s.Level == Full {
		s.Summary = fmt.Sprintf("landlock (version %d) and seccomp hold: a stand-in for a hostile video tried %d forbidden things and achieved none", p.ABI, p.Tried)
		return s
	}
	s.Advice = adviceKernel
	s.Summary = fmt.Sprintf("%s; a stand-in for a hostile video achieved %d of %d forbidden things: %s",
		p.holding(), len(p.Through), p.Tried, some(p.Through))
	if len(p.Lacking) > 0 {
		s.Summary += " (" + strings.Join(p.Lacking, "; ") + ")"
	}
	return s
}

// some names a few; the rest is in Proof.
func some(names []string) string {
	const few = 5
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}

func (p *Proof) holding() string {
	switch {
	case p.Files && p.Calls:
		return "landlock and seccomp hold, with gaps"
	case p.Files:
		return "only landlock holds, which bounds files; seccomp, which bounds what can be asked of the kernel, does not"
	case p.Calls:
		return "only seccomp holds, which bounds what can be asked of the kernel; landlock, which bounds files, does not"
	}
	return "neither landlock nor seccomp holds"
}
