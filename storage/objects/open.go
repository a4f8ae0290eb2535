package objects

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Options are what the address of a store does not say.
type Options struct {
	// AccessKeyID and SecretAccessKey, and SessionToken with temporary keys, sign
	// requests to S3. Without them the SDK looks where it usually does: its shared
	// files, a web identity, the machine's or the container's role.
	AccessKeyID, SecretAccessKey, SessionToken string
	// Region is used where the address names none.
	Region string
	// Done, if set, is told of each request to S3: its method, how it ended and how
	// long that took.
	Done func(method, outcome string, took time.Duration)
	// Stall is how long a request to S3 may make no progress; 0 means 10 s.
	Stall time.Duration
	// Now is this machine's clock; nil is time.Now.
	Now func() time.Time
}

// Keeper is a Store that was opened and must be closed.
type Keeper interface {
	Store
	Close() error
}

// Open opens the store at an address: the path of a folder, file:///path, or
// s3://bucket/prefix?endpoint=…&region=…&path_style=…&checksums=….
func Open(ctx context.Context, address string, o Options) (Keeper, error) {
	if path, ok := FolderPath(address); ok {
		return OpenFolder(path)
	}
	place, err := parsePlace(address, o.Region)
	if err != nil {
		return nil, err
	}
	return openS3(ctx, place, o)
}

// Check says, before anything is opened, whether an address can be one.
func Check(address string) error {
	if _, ok := FolderPath(address); ok {
		return nil
	}
	_, err := parsePlace(address, "")
	return err
}

// FolderPath tells the folder that an address names, if it names one.
func FolderPath(address string) (string, bool) {
	if u, err := url.Parse(address); err == nil && u.Scheme != "" && u.Scheme != "file" {
		return "", false
	}
	return strings.TrimPrefix(address, "file://"), true
}

// place is where in which S3 objects lie.
type place struct {
	bucket, prefix   string
	endpoint, region string
	pathStyle        bool
	checksums        bool
}

// parsePlace reads an s3:// address. Its errors never repeat it: people put
// secrets everywhere.
func parsePlace(address, region string) (place, error) {
	u, err := url.Parse(address)
	if err != nil {
		return place{}, errors.New("objects: the address is not like s3://bucket?endpoint=https://host&region=name")
	}
	if u.Scheme != "s3" {
		return place{}, fmt.Errorf("objects: media lies in a folder or in s3://bucket; %q is neither", u.Scheme+"://…")
	}
	if u.User != nil {
		return place{}, errors.New("objects: keys do not belong into the address of a bucket; give them as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	if u.Host == "" || u.Port() != "" || u.Fragment != "" {
		return place{}, errors.New("objects: the address is not like s3://bucket?endpoint=https://host&region=name")
	}
	p := place{bucket: u.Host, prefix: strings.Trim(u.Path, "/"), region: region, checksums: true}
	if p.prefix != "" {
		if err := checkKey(p.prefix); err != nil {
			return place{}, errors.New("objects: the path behind the bucket is not a plain prefix")
		}
		p.prefix += "/"
	}
	err = p.options(u.Query())
	return p, err
}

func (p *place) options(q url.Values) error {
	var err error
	for name, values := range q {
		value := values[0]
		switch name {
		case "endpoint":
			e, wrong := url.Parse(value)
			if wrong != nil || e.Host == "" || e.User != nil || (e.Scheme != "http" && e.Scheme != "https") || e.RawQuery != "" {
				return errors.New("objects: endpoint is not an address like https://s3.example.org")
			}
			p.endpoint = strings.TrimSuffix(value, "/")
		case "region":
			p.region = value
		case "path_style":
			p.pathStyle, err = strconv.ParseBool(value)
		case "checksums":
			p.checksums, err = strconv.ParseBool(value)
		default:
			return errors.New("objects: behind its ? an s3 address has endpoint, region, path_style and checksums, and nothing else")
		}
		if err != nil {
			return fmt.Errorf("objects: %s is true or false", name)
		}
	}
	if !q.Has("path_style") {
		p.pathStyle = p.endpoint != "" // what S3-compatible servers do without a DNS name for every bucket
	}
	if p.region == "" {
		p.region = "us-east-1" // what servers without regions call theirs
	}
	return nil
}
