package census

import "context"

// Database is what keeps the records.
type Database struct {
	// Kind is its name and version.
	Kind string
	// Bytes are what it holds on its disk.
	Bytes int64
	// Schema is the version of the tables, Latest the one that this program knows.
	Schema, Latest int64
}

// Database looks at what keeps the records.
func (c *Census) Database(ctx context.Context) (Database, error) {
	var d Database
	var err error
	if d.Kind, d.Bytes, err = c.db.Kind(ctx); err != nil {
		return d, translate("database", err)
	}
	d.Schema, d.Latest, err = c.db.SchemaVersion(ctx)
	return d, translate("schema", err)
}
