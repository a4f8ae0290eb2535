package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// How many connections a process has at most, unless the address says otherwise
// with pool_max_conns, and how they are shared out.
const (
	connections = 16
	// listening is what belongs to no pool: one hears of events, one of jobs.
	listening = 2
	// mostOfTheQueue is as much as the queue makes use of.
	mostOfTheQueue = 4
	fewestOfAPool  = 2
	fewest         = listening + 3*fewestOfAPool
)

// share shares the connections of a process out.
func share(all int32) (queue, writing, reading int32) {
	rest := all - listening
	queue = min(mostOfTheQueue, max(fewestOfAPool, rest/3))
	rest -= queue
	return queue, rest / 2, rest - rest/2
}

// server is a PostgreSQL server and the connections to it.
type server struct {
	config                  *pgxpool.Config
	writing, reading, queue *pgxpool.Pool
}

// defaults are the settings of a session that the address does not give. Nothing
// of ours runs for long: what does is cut off, so that it cannot hold up others.
func defaults() map[string]string {
	return map[string]string{
		"application_name": "meanwhile", "statement_timeout": "30s", "lock_timeout": "10s",
		"idle_in_transaction_session_timeout": "30s",
	}
}

func (db *DB) openPostgres(ctx context.Context, rawURL string) error {
	db.engine = PostgreSQL
	config, err := pgxpool.ParseConfig(rawURL)
	if err != nil {
		return fmt.Errorf("database: %s is not an address of PostgreSQL", redact(rawURL)) // its cause may tell the password
	}
	prepare(config, strings.Contains(rawURL, "pool_max_conns="))
	if config.MaxConns < fewest {
		return fmt.Errorf("database: pool_max_conns=%d is too few connections: give at least %d", config.MaxConns, fewest)
	}
	s := &server{config: config}
	db.server = s
	queue, writing, reading := share(config.MaxConns)
	if s.queue, err = s.pool(ctx, queue, func(c *pgxpool.Config) {
		delete(c.ConnConfig.RuntimeParams, "statement_timeout") // the queue bounds its own, except for its fetching
		c.ConnConfig.Tracer = watch{longest: queueTime, lenient: true}
	}); err != nil {
		return err
	}
	if s.writing, err = s.pool(ctx, writing, func(c *pgxpool.Config) {
		// Queries are whole texts that seldom come again: nothing to prepare.
		c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	}); err != nil {
		return err
	}
	if s.reading, err = s.pool(ctx, reading, func(c *pgxpool.Config) {
		c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
		c.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	}); err != nil {
		return err
	}
	db.Writer = bun.NewDB(connect(s.writing), pgdialect.New(), tolerant())
	reader := connect(s.reading)
	db.Reader = bun.NewDB(reader, pgdialect.New(), tolerant(), bun.WithConnResolver(resolver{patient{reader}}))
	// It may be starting, as this process is.
	if err := again(Promptly(ctx), db.Writer.PingContext); err != nil {
		return fmt.Errorf("database: open %s: %w", redact(rawURL), err)
	}
	return nil
}

// prepare sets what the address leaves open.
func prepare(config *pgxpool.Config, sized bool) {
	if !sized {
		config.MaxConns = connections
	}
	c := config.ConnConfig
	for name, value := range defaults() {
		if _, given := c.RuntimeParams[name]; !given {
			c.RuntimeParams[name] = value
		}
	}
	// Texts are quoted by doubling the quotes alone.
	c.RuntimeParams["standard_conforming_strings"] = "on"
	c.RuntimeParams["timezone"] = "UTC"
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = patience
	}
	c.DialFunc = dialer(c.ConnectTimeout).DialContext
	c.Tracer = watch{longest: longest(c.RuntimeParams["statement_timeout"])}
	if config.PingTimeout == 0 {
		config.PingTimeout = pingTime // so that there is time for another connection
	}
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		return nil
	}
}

func (s *server) pool(ctx context.Context, size int32, set func(*pgxpool.Config)) (*pgxpool.Pool, error) {
	config := s.config.Copy()
	config.MaxConns = size
	config.MinConns, config.MinIdleConns = min(config.MinConns, size), min(config.MinIdleConns, size)
	set(config)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	return pool, nil
}

func (s *server) close() {
	for _, pool := range []*pgxpool.Pool{s.reading, s.writing, s.queue} {
		if pool != nil {
			pool.Close()
		}
	}
}

// connect makes the standard library's door to a pool.
func connect(pool *pgxpool.Pool) *sql.DB {
	db := sql.OpenDB(connector{stdlib.GetPoolConnector(pool)})
	db.SetMaxIdleConns(0) // the pool keeps them
	return db
}

// connector waits for a connection for as long as patience lasts, or as long as
// what wants it may take.
type connector struct{ driver.Connector }

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	until := time.Now().Add(patience)
	if b := boundsOf(ctx); b != nil && !b.until.IsZero() && b.until.Before(until) {
		until = b.until
	}
	bounded, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	conn, err := c.Connector.Connect(bounded)
	if err != nil && ctx.Err() == nil && (bounded.Err() != nil || unavailable(err)) {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return conn, err
}

// resolver lets every query of a reader go through one that is patient.
type resolver struct{ reader patient }

// ResolveConn implements bun.ConnResolver.
func (r resolver) ResolveConn(context.Context, bun.Query) bun.IConn { return r.reader }

// Close implements bun.ConnResolver.
func (r resolver) Close() error { return nil }

// patient asks again where the server was away: what only reads may be repeated.
type patient struct{ db *sql.DB }

// QueryContext implements bun.IConn.
func (p patient) QueryContext(ctx context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	return rows, again(ctx, func(ctx context.Context) error {
		rows, err = p.db.QueryContext(ctx, query, args...) //nolint:sqlclosecheck,rowserrcheck // the caller's
		return err
	})
}

// ExecContext implements bun.IConn.
func (p patient) ExecContext(ctx context.Context, query string, args ...any) (result sql.Result, err error) {
	return result, again(ctx, func(ctx context.Context) error {
		result, err = p.db.ExecContext(ctx, query, args...)
		return err
	})
}

// QueryRowContext implements bun.IConn.
func (p patient) QueryRowContext(ctx context.Context, query string, args ...any) (row *sql.Row) {
	_ = again(ctx, func(ctx context.Context) error {
		row = p.db.QueryRowContext(ctx, query, args...)
		return row.Err()
	})
	return row // which holds its error
}
