package database

import (
	"database/sql"
	"errors"

	"modernc.org/sqlite"
)

// Result codes of SQLite, https://www.sqlite.org/rescode.html.
const (
	sqliteConstraintUnique     = 2067
	sqliteConstraintPrimaryKey = 1555
	sqliteFull                 = 13
)

// IsNotFound says that a query found no row.
func IsNotFound(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// IsDuplicate says that a change met a row that must be unique.
func IsDuplicate(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code() == sqliteConstraintUnique || e.Code() == sqliteConstraintPrimaryKey)
}

// IsFull says that the disk below the database has no room left.
func IsFull(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqliteFull
}
