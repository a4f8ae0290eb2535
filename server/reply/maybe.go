package reply

import (
	"encoding/json"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// Maybe is an object of the API or null. huma cannot say so of a pointer to a
// struct by itself.
type Maybe[T any] struct {
	// Value is nil for null.
	Value *T
}

// MarshalJSON writes the object or null.
func (m Maybe[T]) MarshalJSON() ([]byte, error) { return json.Marshal(m.Value) }

// UnmarshalJSON reads the object or null.
func (m *Maybe[T]) UnmarshalJSON(raw []byte) error { return json.Unmarshal(raw, &m.Value) }

// Schema says so in the API's document; huma asks for it.
func (Maybe[T]) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{r.Schema(reflect.TypeFor[T](), true, ""), {Type: "null"}}}
}
