// Package objectstest lends tests a real S3 server, versitygw, and runs one test
// over every kind of store.
package objectstest

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/meanwhile-app/meanwhile/storage/objects"
	"github.com/meanwhile-app/meanwhile/storage/storestest"
)

// Gateway is a running versitygw, which keeps its buckets in a folder.
type Gateway struct {
	*storestest.Gateway
}

// Start starts a gateway over a folder and waits until it answers. More flags
// may be given, such as --cors-allow-origin.
func Start(ctx context.Context, folder string, flags ...string) (*Gateway, error) {
	g, err := storestest.StartGateway(ctx, folder, flags...)
	if err != nil {
		return nil, err
	}
	return &Gateway{g}, nil
}

// Bucket is a bucket of its own in a gateway.
type Bucket struct {
	// URL is its address, as MEANWHILE_OBJECTS_URL takes it, and Options the keys.
	URL     string
	Options objects.Options
	// Name and Endpoint are parts of the URL.
	Name, Endpoint string
}

// Env are the keys as variables of the environment, for a process.
func (b Bucket) Env() []string {
	return append(storestest.Keys(), "MEANWHILE_OBJECTS_URL="+b.URL)
}

// Through is the same bucket behind another endpoint, such as a proxy's.
func (b Bucket) Through(endpoint string) Bucket {
	b.Endpoint = endpoint
	b.URL = storestest.BucketURL(endpoint, b.Name)
	return b
}

// Client talks to the gateway in its own language.
func (b Bucket) Client() *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(b.Endpoint), Region: storestest.Region, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(storestest.AccessKey, storestest.SecretKey, ""),
	})
}

// Bucket makes a bucket under a random name.
func (g *Gateway) Bucket(ctx context.Context) (Bucket, error) {
	b := Bucket{Name: "test-" + strings.ToLower(rand.Text()), Options: objects.Options{AccessKeyID: storestest.AccessKey, SecretAccessKey: storestest.SecretKey}}
	b = b.Through("http://" + g.Addr)
	_, err := b.Client().CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &b.Name})
	return b, err
}

// AllowOrigin lets scripts of pages of an origin read the bucket.
func (b Bucket) AllowOrigin(ctx context.Context, origin string) error {
	rule := types.CORSRule{AllowedOrigins: []string{origin}, AllowedMethods: []string{http.MethodGet, http.MethodHead}, AllowedHeaders: []string{"Range"}}
	_, err := b.Client().PutBucketCors(ctx, &s3.PutBucketCorsInput{Bucket: &b.Name, CORSConfiguration: &types.CORSConfiguration{CORSRules: []types.CORSRule{rule}}})
	return err
}
