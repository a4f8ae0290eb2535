package site

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
)

// file is a file of the application, in memory in every form it is served in.
type file struct {
	contentType       string
	plain, gzip, brot []byte
}

// load reads every file of the built application.
func load(files fs.FS) (map[string]*file, error) {
	all := map[string]*file{}
	if files == nil {
		return all, nil
	}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		plain, coding := name, strings.TrimPrefix(path.Ext(name), ".")
		if coding == "br" || coding == "gz" {
			plain = strings.TrimSuffix(name, path.Ext(name))
		}
		if all[plain] == nil {
			all[plain] = &file{contentType: typeOf(plain)}
		}
		switch coding {
		case "br":
			all[plain].brot = content
		case "gz":
			all[plain].gzip = content
		default:
			all[plain].plain = content
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for name, f := range all {
		if f.plain == nil {
			delete(all, name) // only its compressed form was there
			continue
		}
		if err := f.compress(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// typeOf knows the kinds of file that a build makes. The machine's own table of
// types is not asked: it differs from machine to machine.
func typeOf(name string) string {
	switch path.Ext(name) {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return htmlType
	case ".svg":
		return "image/svg+xml"
	case ".json", ".map":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	case ".png":
		return "image/png"
	case ".webp":
		return "image/webp"
	case ".ico":
		return "image/x-icon"
	case ".woff2":
		return "font/woff2"
	case ".wasm":
		return "application/wasm"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}

// worthCompressing is a size in bytes that fits one packet anyway.
const worthCompressing = 1024

// compress makes the gzip form, unless the build has made it or it does not help.
func (f *file) compress() error {
	packed := strings.HasPrefix(f.contentType, "image/") && f.contentType != "image/svg+xml" || f.contentType == "font/woff2"
	if f.gzip != nil || packed || len(f.plain) < worthCompressing {
		return nil
	}
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(f.plain); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if out.Len() < len(f.plain) {
		f.gzip = out.Bytes()
	}
	return nil
}

// serve writes the smallest form that the client takes.
func (f *file) serve(c *gin.Context) {
	h := c.Writer.Header()
	body := f.plain
	if f.gzip != nil || f.brot != nil {
		h.Set("Vary", "Accept-Encoding")
		accepted := c.GetHeader("Accept-Encoding")
		switch {
		case f.brot != nil && accepts(accepted, "br"):
			h.Set("Content-Encoding", "br")
			body = f.brot
		case f.gzip != nil && accepts(accepted, "gzip"):
			h.Set("Content-Encoding", "gzip")
			body = f.gzip
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.Data(http.StatusOK, f.contentType, body)
}

// accepts reads Accept-Encoding (RFC 9110, section 12.5.3) as far as browsers
// write it: a coding is taken if it is named and its weight is not zero.
func accepts(header, coding string) bool {
	for item := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(item, ";")
		if !strings.EqualFold(strings.TrimSpace(name), coding) {
			continue
		}
		q := strings.TrimPrefix(strings.ReplaceAll(strings.ToLower(weight), " ", ""), "q=")
		value, err := strconv.ParseFloat(q, 64)
		return weight == "" || err == nil && value > 0
	}
	return false
}
