package site

import (
	"context"

	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/storage/people"
)

// OriginsInput says which sites may show the workspace's videos.
type OriginsInput struct {
	Body struct {
		Origins []string `json:"origins" maxItems:"100" doc:"Each as https://wiki.example.org; an empty list lets nobody"`
	}
}

// OriginsOutput lists the sites.
type OriginsOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Origins []string `json:"origins"`
	}
}

func originsOutput(origins []string) *OriginsOutput {
	out := &OriginsOutput{CacheControl: "no-store"}
	out.Body.Origins = append([]string{}, origins...)
	return out
}

// ReadOrigins is GET /api/workspace/embed-origins.
func (s *Site) ReadOrigins(ctx context.Context, _ *struct{}) (*OriginsOutput, error) {
	w, err := s.records.Workspace(ctx, auth.From(ctx).Account.WorkspaceID)
	if err != nil {
		return nil, err
	}
	return originsOutput(w.EmbedOrigins), nil
}

// SetOrigins is PUT /api/workspace/embed-origins, for admins.
func (s *Site) SetOrigins(ctx context.Context, in *OriginsInput) (*OriginsOutput, error) {
	account, err := auth.Need(ctx, people.ScopeAdmin)
	if err != nil {
		return nil, err
	}
	origins, err := s.records.SetEmbedOrigins(ctx, account.WorkspaceID, in.Body.Origins)
	if err != nil {
		return nil, err
	}
	return originsOutput(origins), nil
}
