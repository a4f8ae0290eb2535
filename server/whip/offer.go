package whip

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/meanwhile-app/meanwhile/server/whip/mux"
)

// offered is what a client offers, with all taken out that is not wanted: its
// candidates (an ICE-lite agent needs none), codecs beside the chosen ones, and
// layers beside the first.
type offered struct {
	description *sdp.SessionDescription
	video       mux.Codec // "" if there are no pictures
	audio       bool
	codecs      []codec
	// sets are H.264's parameter sets, if the offer told them.
	sets [][]byte
	// candidates is how many there were.
	candidates int
	// version counts restarts.
	version uint64
}

// codec is one line of the offer that is taken.
type codec struct {
	kind webrtc.RTPCodecType
	webrtc.RTPCodecParameters
}

// parseOffer reads an offer. Its errors are problems for the client.
func parseOffer(body []byte) (*offered, error) {
	o := &offered{description: new(sdp.SessionDescription)}
	if err := o.description.Unmarshal(body); err != nil {
		return nil, errMalformed.Because(err)
	}
	if n := len(o.description.MediaDescriptions); n == 0 || n > maxMedia {
		return nil, errMedia
	}
	for _, m := range o.description.MediaDescriptions {
		for _, a := range m.Attributes {
			if a.Key == "candidate" {
				o.candidates++
			}
		}
		if err := o.take(m); err != nil {
			return nil, err
		}
	}
	if o.candidates > maxCandidates {
		return nil, errCandidates
	}
	if o.video == "" && !o.audio {
		return nil, errMedia
	}
	return o, nil
}

// take keeps what is wanted of a media section.
func (o *offered) take(m *sdp.MediaDescription) error {
	_, receives := m.Attribute("recvonly")
	_, rests := m.Attribute("inactive")
	twice := m.MediaName.Media == "audio" && o.audio || m.MediaName.Media == "video" && o.video != ""
	if receives || rests || twice || !slices.Contains([]string{"audio", "video"}, m.MediaName.Media) {
		return errMedia
	}
	lines := rtpLines(m)
	var chosen []rtpLine
	if m.MediaName.Media == "audio" {
		chosen = pickAudio(lines)
		o.audio = true
	} else {
		chosen, o.video = pickVideo(lines)
	}
	if len(chosen) == 0 {
		return errCodecs
	}
	_, told := m.Attribute("ssrc")
	_, layers := m.Attribute("simulcast")
	if !told || layers {
		// Which SSRC the one layer has is found out when it comes, so what is sent
		// again must come in the stream itself.
		chosen = chosen[:1]
		m.Attributes = slices.DeleteFunc(m.Attributes, func(a sdp.Attribute) bool { return a.Key == "ssrc" || a.Key == "ssrc-group" })
	}
	for _, l := range chosen {
		o.codecs = append(o.codecs, l.codec(m.MediaName.Media))
		o.sets = append(o.sets, l.parameterSets()...)
	}
	strip(m, chosen)
	return nil
}

// rtpLine is one payload type of a media section.
type rtpLine struct {
	payload  string
	name     string // upper case
	clock    int
	channels int
	fmtp     string
	feedback []string
}

func rtpLines(m *sdp.MediaDescription) []rtpLine {
	lines := make([]rtpLine, 0, len(m.MediaName.Formats))
	for _, payload := range m.MediaName.Formats {
		l := rtpLine{payload: payload}
		for _, a := range m.Attributes {
			of, value, _ := strings.Cut(a.Value, " ")
			if of != payload && (a.Key != "rtcp-fb" || of != "*") {
				continue
			}
			switch a.Key {
			case "rtpmap":
				parts := strings.Split(value, "/")
				l.name = strings.ToUpper(parts[0])
				if len(parts) > 1 {
					l.clock, _ = strconv.Atoi(parts[1])
				}
				if len(parts) > 2 {
					l.channels, _ = strconv.Atoi(parts[2])
				}
			case "fmtp":
				l.fmtp = value
			case "rtcp-fb":
				l.feedback = append(l.feedback, value)
			}
		}
		lines = append(lines, l)
	}
	return lines
}

// parameter reads one of a=fmtp.
func (l rtpLine) parameter(name string) string {
	for part := range strings.SplitSeq(l.fmtp, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}

func pickAudio(lines []rtpLine) []rtpLine {
	for _, l := range lines {
		if l.name == "OPUS" && l.clock == mux.AudioClock {
			return []rtpLine{l}
		}
	}
	return nil
}

// pickVideo takes one codec and what sends its lost packets again. H.264 and
// VP9 play from the first fragment in every browser; the client's own order
// decides nothing that viewers see.
func pickVideo(lines []rtpLine) ([]rtpLine, mux.Codec) {
	for _, wanted := range []mux.Codec{mux.H264, mux.VP9, mux.AV1, mux.VP8} {
		best := -1
		for i, l := range lines {
			if l.name != string(wanted) || l.clock != mux.VideoClock || !l.plays(wanted) {
				continue
			}
			if best < 0 || wanted == mux.H264 && l.parameter("packetization-mode") == "1" && lines[best].parameter("packetization-mode") != "1" {
				best = i
			}
		}
		if best < 0 {
			continue
		}
		chosen := []rtpLine{lines[best]}
		for _, l := range lines {
			if l.name == "RTX" && l.parameter("apt") == lines[best].payload {
				return append(chosen, l), wanted
			}
		}
		return chosen, wanted
	}
	return nil, ""
}

// plays says that browsers play this profile of a codec: 8 bit, 4:2:0.
func (l rtpLine) plays(c mux.Codec) bool {
	switch c {
	case mux.H264:
		profile := strings.ToLower(l.parameter("profile-level-id"))
		return profile == "" || slices.Contains([]string{"42", "4d", "58", "64"}, profile[:min(2, len(profile))])
	case mux.VP9:
		profile := l.parameter("profile-id")
		return profile == "" || profile == "0"
	case mux.AV1:
		profile := l.parameter("profile")
		return profile == "" || profile == "0"
	default:
		return true
	}
}

func (l rtpLine) codec(media string) codec {
	c := codec{kind: webrtc.RTPCodecTypeVideo}
	feedback := []string{"goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"}
	if media == "audio" {
		c.kind, feedback = webrtc.RTPCodecTypeAudio, []string{"transport-cc"}
	}
	payload, _ := strconv.ParseUint(l.payload, 10, 7)
	c.PayloadType = webrtc.PayloadType(payload)
	c.RTPCodecCapability = webrtc.RTPCodecCapability{
		MimeType: media + "/" + l.name, ClockRate: uint32(l.clock), Channels: uint16(l.channels), SDPFmtpLine: l.fmtp,
	}
	if l.name == "OPUS" {
		c.MimeType = webrtc.MimeTypeOpus
	}
	if l.name == "RTX" {
		c.MimeType = webrtc.MimeTypeRTX
		return c
	}
	for _, f := range feedback {
		if slices.Contains(l.feedback, f) {
			kind, parameter, _ := strings.Cut(f, " ")
			c.RTCPFeedback = append(c.RTCPFeedback, webrtc.RTCPFeedback{Type: kind, Parameter: parameter})
		}
	}
	return c
}

// parameterSets are those in sprop-parameter-sets (RFC 6184, 8.1).
func (l rtpLine) parameterSets() (sets [][]byte) {
	for text := range strings.SplitSeq(l.parameter("sprop-parameter-sets"), ",") {
		if raw, err := base64.StdEncoding.DecodeString(text); err == nil && len(raw) > 0 {
			sets = append(sets, raw)
		}
	}
	return sets
}

// strip takes out of a media section all that is not wanted.
func strip(m *sdp.MediaDescription, chosen []rtpLine) {
	m.MediaName.Formats = nil
	for _, l := range chosen {
		m.MediaName.Formats = append(m.MediaName.Formats, l.payload)
	}
	m.Attributes = slices.DeleteFunc(m.Attributes, func(a sdp.Attribute) bool {
		switch a.Key {
		case "candidate", "end-of-candidates", "simulcast", "rid":
			return true
		case "rtpmap", "fmtp", "rtcp-fb":
			payload, _, _ := strings.Cut(a.Value, " ")
			return payload != "*" && !slices.Contains(m.MediaName.Formats, payload)
		}
		return false
	})
}

// restart puts new ICE credentials into the offer, as if the client had made it again.
func (o *offered) restart(ufrag, password string) *offered {
	next := *o
	d := *o.description
	next.version++
	d.Origin.SessionVersion += next.version
	d.Attributes = withCredentials(d.Attributes, ufrag, password)
	d.MediaDescriptions = nil
	for _, m := range o.description.MediaDescriptions {
		section := *m
		section.Attributes = withCredentials(m.Attributes, ufrag, password)
		d.MediaDescriptions = append(d.MediaDescriptions, &section)
	}
	next.description = &d
	return &next
}

func withCredentials(attributes []sdp.Attribute, ufrag, password string) []sdp.Attribute {
	out := slices.Clone(attributes)
	for i := range out {
		switch out[i].Key {
		case "ice-ufrag":
			out[i].Value = ufrag
		case "ice-pwd":
			out[i].Value = password
		}
	}
	return out
}

func (o *offered) text() (string, error) {
	raw, err := o.description.Marshal()
	return string(raw), err
}

// credentials are the client's in its offer.
func (o *offered) credentials() (ufrag string) {
	if value, ok := o.description.Attribute("ice-ufrag"); ok {
		return value
	}
	for _, m := range o.description.MediaDescriptions {
		if value, ok := m.Attribute("ice-ufrag"); ok {
			return value
		}
	}
	return ""
}

// startBitrate is where a browser begins, in kbit/s. Of itself it begins so low
// that the first pictures are a quarter of their size.
const startBitrate = 2500

// tune writes the ceiling, in bit/s, and what pion does not, into the answer.
func tune(answer string, video mux.Codec, ceiling int) string {
	var b strings.Builder
	start := "x-google-start-bitrate=" + strconv.Itoa(min(startBitrate, ceiling/1000))
	pictures, payload := false, ""
	for line := range strings.SplitSeq(strings.TrimSuffix(answer, "\r\n"), "\r\n") {
		if strings.HasPrefix(line, "m=") {
			fields := strings.Fields(line)
			pictures = fields[0] == "m=video"
			payload = fields[min(3, len(fields)-1)]
		}
		bare := !strings.Contains(answer, "a=fmtp:"+payload+" ")
		switch {
		case !pictures:
		case strings.HasPrefix(line, "c="):
			line += fmt.Sprintf("\r\nb=AS:%d\r\nb=TIAS:%d", ceiling/1000, ceiling)
		case strings.HasPrefix(line, "a=rtpmap:"+payload+" ") && bare:
			line += "\r\na=fmtp:" + payload + " " + start
		case strings.HasPrefix(line, "a=fmtp:"+payload+" "):
			if video == mux.H264 {
				line = highestLevel(line)
			}
			line += ";" + start
		}
		b.WriteString(line + "\r\n")
	}
	return b.String()
}

// highestLevel says that pictures of any size are welcome: level 5.2.
func highestLevel(line string) string {
	const name = "profile-level-id="
	at := strings.Index(line, name) + len(name) + 4
	if !strings.Contains(line, name) || len(line) < at+2 {
		return line
	}
	return line[:at] + "34" + line[at+2:]
}
