package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/meanwhile-app/meanwhile/storage/objects"
)

// Bucket is a store that is not a folder.
type Bucket struct {
	Store objects.Store
	// Err says why it could not be opened.
	Err error
	// Redirect says that players fetch media there by themselves.
	Redirect bool
}

const (
	// bucketTime bounds all that is tried with a bucket.
	bucketTime = 2 * time.Minute
	// skewFails is the difference of clocks with which S3 refuses requests, skewWarns
	// one with which addresses lapse sooner or later than they should.
	skewFails, skewWarns = 15 * time.Minute, 20 * time.Second
	// largeProbe is more than fits into one request.
	largeProbe = 8<<20 + 1
)

// visit is one look at a bucket. Everything it writes has the same prefix, and is
// deleted again.
type visit struct {
	bucket *Bucket
	base   *url.URL
	prefix string
	client *http.Client
	now    func() time.Time
}

// examineBucket tries everything that Meanwhile does with a bucket.
func examineBucket(ctx context.Context, p Patient, now func() time.Time) []Finding {
	b := p.Bucket
	if b.Err != nil {
		return []Finding{{"bucket", Failure, b.Err.Error(), "Correct MEANWHILE_OBJECTS_URL."}}
	}
	ctx, cancel := context.WithTimeout(ctx, bucketTime)
	defer cancel()
	// A proxy of the environment is for the world outside, where browsers are, too.
	v := &visit{bucket: b, base: p.Base, prefix: "doctor/" + strings.ToLower(rand.Text()) + "/", client: &http.Client{Timeout: 20 * time.Second}, now: now}
	key := v.prefix + "probe"
	if _, err := b.Store.Put(ctx, key, strings.NewReader(probe)); err != nil {
		return []Finding{{"bucket: write", Failure, err.Error(), adviceFor(err)}}
	}
	found := []Finding{{Name: "bucket: write", Status: Fine, Detail: "an object was written"}, v.read(ctx, key), v.absent(ctx), v.parts(ctx)}
	if presigner, ok := b.Store.(objects.Presigner); ok {
		found = append(found, v.outside(ctx, presigner, key)...)
	}
	return append(found, v.remove(ctx, key))
}

const probe = "0123456789 Meanwhile's doctor wrote this and deletes it again.\n"

func adviceFor(err error) string {
	if errors.Is(err, objects.ErrFull) {
		return "Make room in the bucket, or raise its quota."
	}
	return "Make sure that the bucket exists, that endpoint and region in MEANWHILE_OBJECTS_URL are right, and that the key may read, write, list and delete there (docs/objects.md has a policy)."
}

// read reads a range.
func (v *visit) read(ctx context.Context, key string) Finding {
	const name = "bucket: read"
	r, err := v.bucket.Store.OpenRange(ctx, key, 3, 5)
	var got []byte
	if err == nil {
		got, err = io.ReadAll(r)
		err = errors.Join(err, r.Close())
	}
	switch {
	case err != nil:
		return Finding{name, Failure, err.Error(), adviceFor(err) + " A proxy before it must pass Range requests on."}
	case string(got) != probe[3:8]:
		return Finding{name, Failure, fmt.Sprintf("asked for bytes 3–7 it gave %q", got), "The store, or a proxy before it, must pass Range requests on and answer 206."}
	}
	return Finding{Name: name, Status: Fine, Detail: "a range of it was read"}
}

// absent asks for what is not there. Without the right to list, AWS says that it
// may not tell.
func (v *visit) absent(ctx context.Context) Finding {
	const name = "bucket: list"
	_, err := v.bucket.Store.Size(ctx, v.prefix+"absent")
	if !errors.Is(err, objects.ErrNotFound) {
		return Finding{name, Failure, fmt.Sprintf("asked for an object that is not there it answers: %v", err), "Let the key list the bucket (s3:ListBucket): without it a missing object cannot be told from a forbidden one."}
	}
	lister, ok := v.bucket.Store.(objects.Lister)
	if !ok {
		return Finding{Name: name, Status: Fine, Detail: "what is not there is said not to be there"}
	}
	listed, err := lister.List(ctx, v.prefix, "", 10)
	switch {
	case err != nil:
		return Finding{name, Failure, err.Error(), "Let the key list the bucket (s3:ListBucket): videos are deleted by it."}
	case len(listed) != 1:
		return Finding{name, Failure, fmt.Sprintf("an object was written and %d are listed", len(listed)), "The store must list what was written at once (strong consistency)."}
	}
	return Finding{Name: name, Status: Fine, Detail: "what is there is listed"}
}

// parts writes an object that needs several requests.
func (v *visit) parts(ctx context.Context) Finding {
	const name, advice = "bucket: large objects", "Let the key write in parts and abort that (s3:PutObject, s3:AbortMultipartUpload, s3:ListBucketMultipartUploads)."
	key := v.prefix + "large"
	if _, err := v.bucket.Store.Put(ctx, key, io.LimitReader(zeros{}, largeProbe)); err != nil {
		return Finding{name, Failure, err.Error(), advice}
	}
	if size, err := v.bucket.Store.Size(ctx, key); err != nil || size != largeProbe {
		return Finding{name, Failure, fmt.Sprintf("of %d bytes it keeps %d (%v)", largeProbe, size, err), advice}
	}
	if janitor, ok := v.bucket.Store.(objects.Janitor); ok {
		if _, err := janitor.AbortUploads(ctx, time.Time{}); err != nil {
			return Finding{name, Warning, err.Error(), advice + " Otherwise writes that a crash cut off cost room until a lifecycle rule removes them."}
		}
	}
	return Finding{Name: name, Status: Fine, Detail: "an object was written in parts"}
}

type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// remove deletes all that was written.
func (v *visit) remove(ctx context.Context, key string) Finding {
	const name = "bucket: delete"
	err := v.bucket.Store.Delete(ctx, v.prefix)
	if err == nil {
		if _, err = v.bucket.Store.Size(ctx, key); errors.Is(err, objects.ErrNotFound) {
			return Finding{Name: name, Status: Fine, Detail: "what was written is deleted again"}
		}
		err = errors.New("what was deleted is still there")
	}
	return Finding{name, Failure, err.Error(), "Let the key delete (s3:DeleteObject); otherwise videos stay for ever. Delete what is below doctor/ by hand."}
}

// outside is what browsers and strangers see.
func (v *visit) outside(ctx context.Context, p objects.Presigner, key string) []Finding {
	address, err := p.Presign(ctx, key, time.Minute, nil)
	if err != nil {
		return []Finding{{"bucket: presigned address", Failure, err.Error(), "Set MEANWHILE_OBJECTS_DELIVERY=server."}}
	}
	signed, clock, cors := v.signed(ctx, address)
	return []Finding{signed, clock, cors, v.reachable(p.Origin()), v.strangers(ctx, address)}
}

// answer is what the store said.
type answer struct {
	status int
	header http.Header
	body   string
}

// get asks as a browser does.
func (v *visit) get(ctx context.Context, method, address string, headers map[string]string) (*answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := v.client.Do(request)
	if err != nil {
		if wrong, ok := errors.AsType[*url.Error](err); ok {
			err = wrong.Err // its address is secret for a minute
		}
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return &answer{response.StatusCode, response.Header, string(body)}, errors.Join(err, response.Body.Close())
}

const viaServer = "Or set MEANWHILE_OBJECTS_DELIVERY=server, and media passes through the server."

// signed reads a range by a presigned address, as players do, and learns the
// store's time and what it lets other origins read.
func (v *visit) signed(ctx context.Context, address string) (signed, clock, cors Finding) {
	const name = "bucket: presigned address"
	origin := v.base.Scheme + "://" + v.base.Host
	response, err := v.get(ctx, http.MethodGet, address, map[string]string{"Range": "bytes=3-7", "Origin": origin})
	if err != nil {
		lost := Finding{name, Failure, err.Error(), "This machine cannot read from the store's address. " + viaServer}
		return lost, Finding{"bucket: clock", Warning, "not known", "See above."}, Finding{"bucket: CORS", v.grade(), "not known", "See above."}
	}
	clock, cors = v.clock(response), v.cors(ctx, address, origin, response)
	if response.status != http.StatusPartialContent || response.body != probe[3:8] {
		return Finding{name, v.grade(), fmt.Sprintf("a range by a presigned address is answered with %d and %d bytes", response.status, len(response.body)), "Players cannot read from the store. Is the clock right, and is no proxy before the store that changes addresses or the Host? " + viaServer}, clock, cors
	}
	return Finding{Name: name, Status: Fine, Detail: "reads a range"}, clock, cors
}

// grade is how bad it is when browsers cannot reach the bucket.
func (v *visit) grade() string {
	if v.bucket.Redirect {
		return Failure
	}
	return Fine
}

func (v *visit) clock(response *answer) Finding {
	const name, advice = "bucket: clock", "Set both clocks right (systemd-timesyncd, chrony): S3 refuses what was signed more than 15 minutes ago, and addresses of media lapse by both clocks."
	theirs, err := http.ParseTime(response.header.Get("Date"))
	if err != nil {
		return Finding{name, Warning, "the store does not say its time", advice}
	}
	skew := theirs.Sub(v.now()).Abs().Round(time.Second)
	detail := fmt.Sprintf("the store's clock and this one differ by %s", skew)
	switch {
	case skew >= skewFails:
		return Finding{name, Failure, detail, advice}
	case skew >= skewWarns:
		return Finding{name, Warning, detail, advice}
	}
	return Finding{Name: name, Status: Fine, Detail: "the store's is the same"}
}

// cors asks whether scripts of our pages may read what the store answers.
func (v *visit) cors(ctx context.Context, address, origin string, plain *answer) Finding {
	const name = "bucket: CORS"
	if !v.bucket.Redirect {
		return Finding{Name: name, Status: Fine, Detail: "not needed, media passes through the server"}
	}
	advice := "Let the bucket answer scripts of " + origin + ": CORS with AllowedOrigins [" + origin + "], AllowedMethods [GET, HEAD], AllowedHeaders [Range] (docs/objects.md shows how). " + viaServer
	allows := func(r *answer) bool {
		allowed := r.header.Get("Access-Control-Allow-Origin")
		return allowed == "*" || allowed == origin
	}
	if !allows(plain) {
		return Finding{name, Failure, fmt.Sprintf("scripts of %s may not read: Access-Control-Allow-Origin is %q", origin, plain.header.Get("Access-Control-Allow-Origin")), advice}
	}
	asked := map[string]string{"Origin": origin, "Access-Control-Request-Method": http.MethodGet, "Access-Control-Request-Headers": "range"}
	response, err := v.get(ctx, http.MethodOptions, address, asked)
	if err != nil {
		return Finding{name, Failure, err.Error(), advice}
	}
	headers := strings.ToLower(response.header.Get("Access-Control-Allow-Headers"))
	if response.status >= http.StatusBadRequest || !allows(response) || headers != "*" && !strings.Contains(headers, "range") {
		return Finding{name, Warning, fmt.Sprintf("a browser that asks first whether it may send Range is answered with %d", response.status), advice}
	}
	return Finding{Name: name, Status: Fine, Detail: "scripts of " + origin + " may read ranges"}
}

// reachable asks whether browsers can get to an address that this machine can.
func (v *visit) reachable(origin string) Finding {
	const name = "bucket: address"
	u, err := url.Parse(origin)
	switch {
	case err != nil:
		return Finding{name, Failure, err.Error(), "Correct MEANWHILE_OBJECTS_URL."}
	case !v.bucket.Redirect:
		return Finding{Name: name, Status: Fine, Detail: origin + ", for the server alone"}
	case v.base.Scheme == "https" && u.Scheme != "https":
		return Finding{name, Failure, origin, "Pages over https load nothing over http: give the store a certificate. " + viaServer}
	case Local(u) && !Local(v.base), !strings.Contains(u.Hostname(), ".") && !Local(u), private(u.Hostname()) && !Local(v.base):
		return Finding{name, Warning, origin + " looks like an address that only machines nearby reach", "Let MEANWHILE_OBJECTS_URL name the store as browsers reach it. " + viaServer}
	}
	return Finding{Name: name, Status: Fine, Detail: origin}
}

func private(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsPrivate()
}

// strangers asks for the object and for the list without any key (attack 17).
func (v *visit) strangers(ctx context.Context, address string) Finding {
	const name = "bucket: privacy"
	bare, _, _ := strings.Cut(address, "?")
	top, _, _ := strings.Cut(bare, v.prefix)
	for what, at := range map[string]string{"read what is in it": bare, "list what is in it": top + "?list-type=2&prefix=doctor/", "list what is in it as it was done before": top} {
		response, err := v.get(ctx, http.MethodGet, at, nil)
		if err != nil {
			return Finding{name, Warning, err.Error(), "It could not be seen what strangers see."}
		}
		if response.status < http.StatusBadRequest {
			return Finding{name, Failure, "anybody can " + what, "Close the bucket: block all public access, and remove policies and ACLs that name everybody. Whoever knows a link would watch what was not shared."}
		}
	}
	return Finding{Name: name, Status: Fine, Detail: "strangers can neither read nor list"}
}
