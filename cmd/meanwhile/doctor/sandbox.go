package doctor

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/meanwhile-app/meanwhile/transcode/ffmpeg/sandbox"
)

// ExamineSandbox lets a stand-in for a hostile video loose.
func ExamineSandbox(ctx context.Context, p Patient) (Finding, *sandbox.Sandbox) {
	scratch := p.Scratch
	if _, err := os.Stat(scratch); err != nil {
		scratch = "" // before the first start
	}
	box, status, err := sandbox.Open(ctx, sandbox.Mode(p.Sandbox), scratch)
	switch {
	case err != nil && status.Summary == "":
		return Finding{"sandbox", Failure, err.Error(), status.Advice}, nil
	case err != nil:
		return Finding{"sandbox", Failure, status.Summary, status.Advice + "The server does not start with MEANWHILE_SANDBOX=" + p.Sandbox + "."}, nil
	case status.Level != sandbox.Full:
		return Finding{"sandbox", Warning, status.Summary, status.Advice}, box
	}
	for _, program := range []string{p.FFmpeg, p.FFprobe} {
		if sandbox.IsScript(program) {
			detail := status.Summary + "; but " + filepath.Base(program) + " is a script, which may start other programs inside"
			return Finding{"sandbox", Warning, detail, "Name the programs themselves with MEANWHILE_FFMPEG and MEANWHILE_FFPROBE."}, box
		}
	}
	return Finding{Name: "sandbox", Status: Fine, Detail: status.Summary}, box
}

// ExposedAdvice says what to do about files that others can read or change.
const ExposedAdvice = "Close them: chmod -R go= on the data folder, chmod 600 on a key."

// ExaminePrivacy judges what others of the machine can read or change.
func ExaminePrivacy(exposed []string) Finding {
	if len(exposed) > 0 {
		return Finding{"privacy", Warning, "other users of this machine can read or change " + strings.Join(exposed, ", "), ExposedAdvice}
	}
	return Finding{Name: "privacy", Status: Fine, Detail: "the data are for the server's user alone"}
}
