package whip

import (
	"fmt"
	"strings"
)

// fragment is what a client says in a PATCH (RFC 8840, section 9).
type fragment struct {
	ufrag, password string
	candidates      int
	// pauses: the client will send nothing for a while (a=inactive). This is ours, and
	// no part of the RFC.
	pauses bool
}

// parseFragment reads an SDP fragment. What candidates say is of no use to an
// ICE-lite agent: it learns a client's address from the checks that come from there.
func parseFragment(body []byte) (fragment, error) {
	var f fragment
	for line := range strings.Lines(string(body)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		if len(line) < 2 || line[1] != '=' {
			return f, errMalformed
		}
		key, value, _ := strings.Cut(strings.TrimPrefix(line, "a="), ":")
		switch key {
		case "ice-ufrag":
			f.ufrag = value
		case "ice-pwd":
			f.password = value
		case "candidate":
			f.candidates++
		case "inactive":
			f.pauses = true
		}
	}
	if f.candidates > maxCandidates {
		return f, errCandidates
	}
	if !iceWord(f.ufrag, 4) || !iceWord(f.password, 22) {
		return f, errMalformed
	}
	return f, nil
}

// iceWord says whether text is empty or a ufrag or password (RFC 8839, 5.4).
func iceWord(text string, least int) bool {
	if text == "" {
		return true
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/"
	return len(text) >= least && len(text) <= 256 && strings.Trim(text, letters) == ""
}

// answerFragment is what a restart answers: our new credentials and candidates.
func answerFragment(description string) string {
	var b strings.Builder
	seen := map[string]bool{}
	section := ""
	for line := range strings.SplitSeq(description, "\r\n") {
		switch {
		case strings.HasPrefix(line, "m=") && section == "":
			section = line
		case strings.HasPrefix(line, "m="):
			section = "other"
		case section == "other":
		case strings.HasPrefix(line, "a=ice-ufrag:"), strings.HasPrefix(line, "a=ice-pwd:"):
			if key, _, _ := strings.Cut(line, ":"); !seen[key] {
				seen[key] = true
				fmt.Fprintf(&b, "%s\r\n", line)
			}
		}
	}
	fmt.Fprint(&b, "a=ice-lite\r\n")
	section = ""
	for line := range strings.SplitSeq(description, "\r\n") {
		switch {
		case strings.HasPrefix(line, "m="):
			if section != "" {
				return b.String()
			}
			section = line
			fmt.Fprintf(&b, "%s\r\n", line)
		case section != "" && (strings.HasPrefix(line, "a=mid:") || strings.HasPrefix(line, "a=candidate:") || line == "a=end-of-candidates"):
			fmt.Fprintf(&b, "%s\r\n", line)
		}
	}
	return b.String()
}
