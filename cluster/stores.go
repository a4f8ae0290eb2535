package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/meanwhile-app/meanwhile/storage/storestest"
)

// Stores are what every cluster of a run shares: one PostgreSQL and one S3
// server. Each cluster has a database and a bucket of its own.
type Stores struct {
	Postgres *Postgres
	Gateway  *Gateway
	borrowed bool
	like     string // the database that fresh ones are copies of
}

// The variables by which a run hands its stores to the programs that it starts.
const (
	postgresVariable = "MEANWHILE_CLUSTER_POSTGRES"
	gatewayVariable  = "MEANWHILE_CLUSTER_S3"
	likeVariable     = "MEANWHILE_CLUSTER_LIKE"
)

// OpenStores takes the stores that the environment names, or starts its own.
func OpenStores(ctx context.Context) (*Stores, error) {
	if named, gateway := os.Getenv(postgresVariable), os.Getenv(gatewayVariable); named != "" && gateway != "" {
		return borrow(named, gateway)
	}
	return StartStores(ctx)
}

// StartStores starts stores that nobody else uses, so that they can be harmed.
func StartStores(ctx context.Context) (*Stores, error) {
	p, err := StartPostgres(ctx)
	if err != nil {
		return nil, err
	}
	g, err := StartGateway(ctx)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return &Stores{Postgres: p, Gateway: g}, nil
}

// borrow uses stores of another process: their port or address and, of S3, its
// folder.
func borrow(postgres, gateway string) (*Stores, error) {
	files, err := storestest.FindPostgres()
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(postgres)
	if err != nil {
		return nil, err
	}
	addr, folder, _ := strings.Cut(gateway, "|")
	return &Stores{
		Postgres: &Postgres{files: files, port: port}, Gateway: &Gateway{server: &storestest.Gateway{Addr: addr, Folder: folder}},
		borrowed: true, like: os.Getenv(likeVariable),
	}, nil
}

// migrated is the name of the database with a schema and nothing else.
const migrated = "meanwhile-migrated"

// Prepare brings a database to the schema of a binary, so that those of the
// clusters need not be: they are copies.
func (s *Stores) Prepare(ctx context.Context, binary string) error {
	if s.borrowed {
		return nil
	}
	if err := s.Postgres.Create(ctx, migrated, ""); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, binary, "migrate")
	cmd.Env = append(os.Environ(), "MEANWHILE_DATA="+s.Gateway.server.Folder, "MEANWHILE_DATABASE_URL="+s.Postgres.URL(s.Postgres.Addr(), migrated))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("migrate: %w: %s", err, out)
	}
	s.like = migrated
	return storestest.Until(ctx, bootTime, s.unused)
}

// unused says whether nobody is left in the database that others are made from: until
// then PostgreSQL copies it for five seconds at most.
func (s *Stores) unused(ctx context.Context) error {
	busy, err := s.Postgres.Query(ctx, "postgres", "SELECT pid FROM pg_stat_activity WHERE datname = '"+migrated+"'")
	if err == nil && len(busy) > 0 {
		err = fmt.Errorf("%s is used by %v: %w", migrated, busy, fs.ErrExist)
	}
	return err
}

// Make makes a database and a bucket, unless they are there.
func (s *Stores) Make(ctx context.Context, name string) error {
	err := s.Gateway.Create(name)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.Postgres.Create(ctx, name, s.like)
}

// Drop removes a database and a bucket.
func (s *Stores) Drop(ctx context.Context, name string) error {
	return storestest.Until(ctx, bootTime, func(ctx context.Context) error {
		// Either may still be at what somebody asked for who is gone now.
		return errors.Join(s.Postgres.Drop(ctx, name), s.Gateway.Drop(name))
	})
}

// Env are the variables that name these stores to another process, and to the
// tests of single packages.
func (s *Stores) Env() []string {
	return []string{
		postgresVariable + "=" + strconv.Itoa(s.Postgres.port),
		gatewayVariable + "=" + s.Gateway.Addr() + "|" + s.Gateway.server.Folder,
		likeVariable + "=" + s.like,
		"MEANWHILE_TEST_POSTGRES=" + s.Postgres.URL(s.Postgres.Addr(), "postgres"),
	}
}

// Settings name a database and a bucket, which are reached by way of these
// addresses.
func (s *Stores) Settings(name, postgres, s3 string) []string {
	return append(s.Gateway.Env(), "MEANWHILE_DATABASE_URL="+s.Postgres.URL(postgres, name), "MEANWHILE_OBJECTS_URL="+s.Gateway.URL(s3, name))
}

// Close ends what was started.
func (s *Stores) Close() error {
	if s.borrowed {
		return nil
	}
	return errors.Join(s.Gateway.Close(), s.Postgres.Close())
}
