package reply

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"path"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// maxBody is how many bytes of JSON an operation reads if it does not say.
const maxBody = 64 << 10

// Config is how the API answers: plain bodies without links to schemas, and
// huma's own complaints as problem documents like all others.
func Config(title, version string) huma.Config {
	config := huma.DefaultConfig(title, version)
	config.CreateHooks = nil // $schema in every body is noise
	config.SchemasPath = ""
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", namer())
	// In the document, too, huma's error model is our problem.
	config.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[Problem]())
	config.Transformers = append(config.Transformers, transform)
	return config
}

// namer names the types of the document. The first type of a name has it plain;
// one of another package that comes later is called after its package, too:
// talk.May beside library.May is TalkMay. (huma's own namer panics at them.)
func namer() func(reflect.Type, string) string {
	owners := map[string]string{}
	return func(t reflect.Type, hint string) string {
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		name := huma.DefaultSchemaNamer(t, hint)
		if t.Name() == "" {
			return name
		}
		if owner, taken := owners[name]; taken && owner != t.PkgPath() {
			folder := path.Base(t.PkgPath())
			return strings.ToUpper(folder[:1]) + folder[1:] + name
		}
		owners[name] = t.PkgPath()
		return name
	}
}

// Register adds an operation whose errors are answered here. It stands in for
// huma.Register, so that huma's global error hook stays untouched.
func Register[I, O any](api huma.API, op huma.Operation, handler func(context.Context, *I) (*O, error)) {
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = maxBody
	}
	op.Middlewares = append(op.Middlewares, func(ctx huma.Context, next func(huma.Context)) { next(&client{request: ctx}) })
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, answer(ctx, err)
		}
		return out, nil
	})
}

// unreadable is what huma says, as the server's own fault, of a body that breaks
// off: in chunks that are none, say.
const unreadable = "cannot read request body"

// request is a huma.Context by a name that none of its methods has.
type request = huma.Context

// client is a request whose client is at fault where huma says the server is.
type client struct {
	request

	fault int
}

// SetStatus implements huma.Context.
func (c *client) SetStatus(status int) { c.request.SetStatus(cmp.Or(c.fault, status)) }

// transform turns huma's own errors into problem documents.
func transform(ctx huma.Context, _ string, body any) (any, error) {
	model, ok := body.(*huma.ErrorModel)
	if !ok {
		return body, nil
	}
	ctx.SetHeader("Cache-Control", "no-store")
	if line, ours := ctx.(*client); ours && model.Detail == unreadable {
		line.fault = malformed.Status
		return malformed, nil
	}
	return translated(ctx.Context(), model), nil
}

func translated(ctx context.Context, model *huma.ErrorModel) *Problem {
	var p *Problem
	switch model.Status {
	case http.StatusRequestEntityTooLarge:
		p = TooLarge
	case http.StatusRequestTimeout:
		p = stalled
	case http.StatusUnprocessableEntity, http.StatusBadRequest:
		p = Invalid
	case http.StatusUnsupportedMediaType:
		p = New(model.Status, "media_type", "Send JSON with Content-Type: application/json.")
	case http.StatusNotAcceptable:
		p = New(model.Status, "not_acceptable", "This answer exists as JSON only.")
	default:
		return answer(ctx, errors.New(model.Detail))
	}
	q := *p
	q.Status, q.Title = model.Status, http.StatusText(model.Status)
	for _, e := range model.Errors {
		if e != nil {
			q.Errors = append(q.Errors, Field{Message: e.Message, Location: e.Location})
		}
	}
	return &q
}
