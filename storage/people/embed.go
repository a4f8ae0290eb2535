package people

import (
	"context"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/meanwhile-app/meanwhile/storage/record"
)

// The most sites that a workspace may list, and the longest origin.
const (
	maxEmbedOrigins = 50
	maxOriginBytes  = 255
)

// EmbedOrigin reads the origin of a site that may show the player: a scheme, a
// host and perhaps a port, and nothing else. Its answer is written as browsers
// write origins. Plain http is taken only where no certificate can be had: on
// this machine and in private networks.
func EmbedOrigin(text string) (string, error) {
	invalid := &record.InvalidError{Field: "origins", Message: "A site is written as https://wiki.example.org: with https, without a path, and without *."}
	text = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(text)), "/")
	u, err := url.Parse(text)
	if err != nil || len(text) > maxOriginBytes || text != u.Scheme+"://"+u.Host || !originHost(u) {
		return "", invalid
	}
	switch {
	case u.Scheme == "https":
		return strings.TrimSuffix(text, ":443"), nil
	case u.Scheme == "http" && inside(u.Hostname()):
		return strings.TrimSuffix(text, ":80"), nil
	case u.Scheme == "http":
		invalid.Message = "A site on the internet is only safe with https; http is for this machine and private networks."
	}
	return "", invalid
}

// originHost says whether a host is letters, digits, dots and dashes, with a port
// or none: the only kind that a browser's list of ancestors takes.
func originHost(u *url.URL) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-."
	name, port := u.Hostname(), u.Port()
	return name != "" && strings.Trim(name, letters) == "" && !strings.HasPrefix(name, ".") && !strings.Contains(name, "..") &&
		(u.Host == name || port != "" && u.Host == name+":"+port)
}

// inside says whether a name can only be one of this machine or of a private
// network.
func inside(name string) bool {
	if ip, err := netip.ParseAddr(name); err == nil {
		return ip.IsLoopback() || ip.IsPrivate()
	}
	for _, zone := range []string{".localhost", ".local", ".internal", ".home.arpa"} {
		if strings.HasSuffix(name, zone) {
			return true
		}
	}
	return !strings.Contains(name, ".")
}

// EmbedOrigins reads a list of origins; each stays once.
func EmbedOrigins(texts []string) ([]string, error) {
	origins := []string{}
	for _, text := range texts {
		origin, err := EmbedOrigin(text)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	if len(origins) > maxEmbedOrigins {
		return nil, &record.InvalidError{Field: "origins", Message: "A workspace can list 50 sites at most."}
	}
	return origins, nil
}

// SetEmbedOrigins says which sites may show the videos of a workspace in a
// frame. It returns the list as it is kept.
func (c *People) SetEmbedOrigins(ctx context.Context, workspaceID string, texts []string) ([]string, error) {
	origins, err := EmbedOrigins(texts)
	if err != nil {
		return nil, err
	}
	return origins, c.write(ctx, func(ctx context.Context, tx change) error {
		w := &Workspace{ID: workspaceID}
		if err := tx.NewSelect().Model(w).WherePK().Scan(ctx); err != nil {
			return record.Translate(err)
		}
		before := strings.Join(w.EmbedOrigins, " ")
		w.EmbedOrigins = origins
		if _, err := tx.NewUpdate().Model(w).Column("embed_origins").WherePK().Exec(ctx); err != nil {
			return err
		}
		return tx.Audit(ctx, record.Audit{
			WorkspaceID: workspaceID, Action: record.WorkspaceChanged,
			Detail: map[string]string{"embed_origins_before": before, "embed_origins_after": strings.Join(origins, " ")},
		})
	})
}

// MayEmbed says whether any workspace lists an origin.
func (c *People) MayEmbed(ctx context.Context, origin string) (bool, error) {
	if sound, err := EmbedOrigin(origin); err != nil || sound != origin {
		return false, nil //nolint:nilerr // what is no origin is in no list
	}
	// No sound origin holds a quote, a percent sign or an underscore.
	listed, err := c.DB.Reader.NewSelect().Model((*Workspace)(nil)).Where("embed_origins LIKE ?", `%"`+origin+`"%`).Exists(ctx)
	return listed, record.Translate(err)
}
