package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// ErrUnavailable says that the database is away, or that so many want it at once
// that there was no turn: what was asked for did not happen and may be asked for
// again a little later.
var ErrUnavailable = errors.New("the database is not available")

// Result codes of SQLite, https://www.sqlite.org/rescode.html.
const (
	sqliteConstraintUnique     = 2067
	sqliteConstraintPrimaryKey = 1555
	sqliteFull                 = 13
)

// Error codes of PostgreSQL, https://www.postgresql.org/docs/current/errcodes-appendix.html.
const (
	postgresUnique        = "23505"
	postgresSerialization = "40001"
	postgresDeadlock      = "40P01"
	postgresDiskFull      = "53100"
)

// IsNotFound says that a query found no row.
func IsNotFound(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// IsDuplicate says that a change met a row that must be unique.
func IsDuplicate(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code() == sqliteConstraintUnique || e.Code() == sqliteConstraintPrimaryKey) || code(err) == postgresUnique
}

// IsFull says that the disk below the database has no room left.
func IsFull(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqliteFull || code(err) == postgresDiskFull
}

// IsUnavailable says that the database is away: see ErrUnavailable.
func IsUnavailable(err error) bool {
	return errors.Is(err, ErrUnavailable) || unavailable(err) || repeatable(err)
}

// code is what PostgreSQL calls an error, or "".
func code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// repeatable says that a change met others and was undone.
func repeatable(err error) bool {
	c := code(err)
	return c == postgresSerialization || c == postgresDeadlock
}

// unavailable says that PostgreSQL could not be asked, or stopped while it was.
func unavailable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	if c := code(err); c != "" {
		return strings.HasPrefix(c, "08") || // connection exceptions
			strings.HasPrefix(c, "57P") || // shut down, restarted, starting up
			c == "53300" || // too many connections
			c == "55P03" || c == "57014" || // a lock or a statement took too long
			c == "25006" || c == "25P03" // read-only since a fail-over; idle for too long
	}
	var connecting *pgconn.ConnectError
	var network *net.OpError
	return errors.Is(err, ErrUnavailable) || errors.As(err, &connecting) || errors.As(err, &network) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || pgconn.SafeToRetry(err) || pgconn.Timeout(err)
}
