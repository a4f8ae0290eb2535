package server

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meanwhile-app/meanwhile/server/access"
)

// The attacks here are on things that Meanwhile does not have. Each test says so
// of the whole API and is red on the day that somebody adds one.

// op is an operation of the API, as its description tells.
type op struct {
	name, at string
	// body is the schema of what it reads, nil if it reads none.
	body map[string]any
	// fields are the names of everything that a client may say, at any depth.
	fields []string
	// types are the media types that it reads and answers.
	reads, answers []string

	schemas map[string]any
}

// operations reads them out of the API's own description.
func (r *rig) operations(t testing.TB) []op {
	t.Helper()
	raw, err := r.server.OpenAPI()
	require.NoError(t, err)
	var doc struct {
		Paths      map[string]map[string]json.RawMessage
		Components struct{ Schemas map[string]any }
	}
	require.NoError(t, json.Unmarshal(raw, &doc))
	var all []op
	for path, methods := range doc.Paths {
		for method, described := range methods {
			var d struct {
				OperationID string
				Parameters  []struct{ Name, In string }
				RequestBody struct {
					Content map[string]struct{ Schema map[string]any }
				}
				Responses map[string]struct{ Content map[string]any }
			}
			require.NoError(t, json.Unmarshal(described, &d))
			o := op{name: d.OperationID, at: strings.ToUpper(method) + " " + ginPath(path), schemas: doc.Components.Schemas}
			for _, p := range d.Parameters {
				if p.In == "query" || p.In == "header" {
					o.fields = append(o.fields, p.Name)
				}
			}
			for kind, content := range d.RequestBody.Content {
				o.reads = append(o.reads, kind)
				o.body = o.follow(content.Schema)
				o.fields = append(o.fields, o.namesIn(content.Schema, 0)...)
			}
			for _, answer := range d.Responses {
				for kind := range answer.Content {
					o.answers = append(o.answers, kind)
				}
			}
			all = append(all, o)
		}
	}
	require.Greater(t, len(all), 30)
	return all
}

// follow reads a reference.
func (o op) follow(schema map[string]any) map[string]any {
	if ref, ok := schema["$ref"].(string); ok {
		found, _ := o.schemas[ref[strings.LastIndex(ref, "/")+1:]].(map[string]any)
		return found
	}
	return schema
}

func (o op) namesIn(schema map[string]any, depth int) []string {
	if depth > 6 {
		return nil
	}
	var found []string
	schema = o.follow(schema)
	properties, _ := schema["properties"].(map[string]any)
	for name, inner := range properties {
		described, _ := inner.(map[string]any)
		found = append(append(found, name), o.namesIn(described, depth+1)...)
	}
	if items, ok := schema["items"].(map[string]any); ok {
		found = append(found, o.namesIn(items, depth+1)...)
	}
	return found
}

// sample is a body with a value of the right kind for every field.
func (o op) sample() map[string]any {
	whole := map[string]any{}
	properties, _ := o.body["properties"].(map[string]any)
	for name, inner := range properties {
		described, _ := inner.(map[string]any)
		whole[name] = o.value(described)
	}
	return whole
}

// value is something that a schema takes; text is an address of another server.
func (o op) value(schema map[string]any) any {
	schema = o.follow(schema)
	if among, ok := schema["enum"].([]any); ok && len(among) > 0 {
		return among[0]
	}
	kind, _ := schema["type"].(string)
	if several, ok := schema["type"].([]any); ok && len(several) > 0 {
		kind, _ = several[0].(string)
	}
	switch kind {
	case "integer", "number":
		return 1
	case "boolean":
		return true
	case "array":
		items, _ := schema["items"].(map[string]any)
		return []any{o.value(items)}
	case "object":
		return op{body: schema, schemas: o.schemas}.sample()
	}
	return "text"
}

// has lists the operations that a client tells something of this kind.
func has(all []op, pattern string) []string {
	var found []string
	for _, o := range all {
		for _, field := range o.fields {
			if regexp.MustCompile(pattern).MatchString(field) {
				found = append(found, o.name+" "+field)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func TestThereIsNoImportByAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.Equal(t, []string{"change-webhook url", "create-webhook url"},
		has(r.operations(t), `(?i)ur[il]|href|link_to|source|import|fetch|remote|endpoint|host|proxy|callback|avatar|picture|image|logo`),
		"nobody gives us another address to fetch; what does needs the checks of a fetcher first, as server/webhook has them")
}

func TestThereIsNoStyleOfOnesOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.Empty(t, has(r.operations(t), `(?i)css|style|theme|colou?r|font|html|markup|template|script`))
}

func TestThereAreNoCaptionsToUpload(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.Empty(t, has(r.operations(t), `(?i)caption|subtitle|transcript|vtt|srt|cue`))
	for _, o := range r.operations(t) {
		for _, kind := range o.reads {
			require.Equal(t, "application/json", kind, "%s reads something else", o.name)
		}
	}
}

func TestThereIsNoModelToTalkInto(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.Empty(t, has(r.operations(t), `(?i)prompt|summary|summari[sz]e|model|instruction|transcri|language`))
	for key := range needsOf(t, r.server) {
		require.NotRegexp(t, `(?i)/ai\b|summary|transcri|chapters|/llm`, key)
	}
}

func TestThereAreNoArchives(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for key := range needsOf(t, r.server) {
		require.NotRegexp(t, `(?i)zip|\.tar|archive|import|restore-backup`, key)
	}
	for _, o := range r.operations(t) {
		for _, kind := range append(o.reads, o.answers...) {
			require.NotRegexp(t, `zip|tar|octet-stream`, kind, o.name)
		}
	}
}

func TestThereIsNoEditingOfMedia(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.Empty(t, has(r.operations(t), `(?i)trim|^start|^end|^from|^to$|crop|filter_|speed|duration|offset|codec|bitrate|width|height|args`),
		"what reaches ffmpeg comes from the file and from the plan alone")
}

// TestNobodyWritesMediaByAddress: there are no signed addresses to write to;
// media addresses only read, and what is stored is named by the server.
func TestNobodyWritesMediaByAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	raw := recording(t, "tiny.mp4")
	v := r.upload(t, raw, 1<<20, true)
	for _, name := range []string{"source", "download", "poster.jpg", "o/ladder/x", "o/src/x", "master.m3u8", "new"} {
		for _, method := range []string{"PUT", "POST", "PATCH", "DELETE"} {
			res := r.owner.ask(t, method, r.media(v, name), "evil")
			require.Contains(t, []int{http.StatusNotFound, http.StatusMethodNotAllowed}, res.StatusCode, "%s %s", method, name)
		}
	}
	_, body := r.owner.get(t, r.media(v, "source"))
	require.Equal(t, raw, []byte(body))
	for key, need := range needsOf(t, r.server) {
		if need.Names == access.Media {
			require.Regexp(t, `^(GET|HEAD) `, key)
		}
	}
	parts, err := r.catalog.Parts(t.Context(), v.ID)
	require.NoError(t, err)
	for _, p := range parts {
		require.Regexp(t, `^v/`+v.ID+`/src/[\w./-]+$`, p.ObjectKey)
	}
}

// TestNothingThatIsSaidIsFetched puts the address of another server into every
// field, header and query that there is, and listens there.
func TestNothingThatIsSaidIsFetched(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, new(float64))
	line, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer line.Close()
	var came atomic.Int64
	go func() {
		for {
			conn, err := line.Accept()
			if err != nil {
				return
			}
			came.Add(1)
			conn.Close()
		}
	}()
	there := "http://" + line.Addr().String() + "/v/x"
	asked := 0
	byName := map[string]op{}
	for _, o := range r.operations(t) {
		byName[o.at] = o
	}
	for key, need := range r.server.needs {
		method, pattern, _ := strings.Cut(key, " ")
		if pattern == "/api/events" || strings.HasSuffix(pattern, "/events") {
			continue
		}
		v := r.set(t, openScene())
		path := r.places(v, r.names(t, v))(pattern)
		body := ""
		query := url.Values{"url": {there}, "next": {there}, "q": {there}, "title": {there}, "src": {there}}
		if o, ok := byName[key]; ok && o.body != nil {
			whole := o.sample()
			for name, value := range whole {
				if value == "text" {
					whole[name] = there
				}
			}
			raw, err := json.Marshal(whole)
			require.NoError(t, err)
			body = string(raw)
		}
		if need.Names == access.Media {
			query = nil
		}
		r.owner.ask(t, method, path+"?"+query.Encode(), body, "Referer", there, "Link", "<"+there+">; rel=preload", "Upload-Metadata", "url eA==", "Tus-Resumable", "1.0.0", "Forwarded", "host="+there)
		asked++
	}
	require.Greater(t, asked, 60)
	require.Zero(t, came.Load(), "the server went to an address that somebody told it")
}
