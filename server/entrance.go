package server

import (
	"github.com/meanwhile-app/meanwhile/server/auth"
	"github.com/meanwhile-app/meanwhile/server/reply"
)

// entranceRoutes are the ways in, beside a password, and what looks after them.
func (s *Server) entranceRoutes() []route {
	return []route{
		operation(open(), "POST /api/session/link/mail", "ask-link: Mail a link to sign in", s.auth.AskLink),
		operation(open(), "POST /api/session/link", "sign-in-by-link: Sign in with a mailed link", s.auth.EnterByLink),
		operation(open(), "POST /api/session/code", "sign-in-second-step: The second step of a sign-in", s.auth.SecondStep),
		operation(open(), "POST /api/session/passkey/options", "ask-passkey: What a browser needs to use a passkey", s.auth.PasskeyOptions),
		operation(open(), "POST /api/session/passkey", "sign-in-by-passkey: Sign in with a passkey", s.auth.EnterByPasskey),
		operation(open(), "POST /api/session/oidc", "go-abroad: Begin to sign in by another service", s.auth.GoAbroad),
		plain(open(), "GET", auth.OIDCReturn, reply.Handle(s.auth.ComeBack)),
		operation(changing(), "POST /api/session/proof", "prove: Prove who one is, to change who can sign in", s.auth.Prove),

		operation(signedIn(), "GET /api/security", "read-security: Sessions, passkeys and all by which one signs in", s.account.Read),
		operation(changing(), "DELETE /api/sessions", "end-sessions: Sign out everywhere else", s.account.EndOtherSessions),
		operation(changing(), "DELETE /api/sessions/{id}", "end-session: Sign one browser out", s.account.EndSession),
		operation(changing(), "POST /api/passkeys/options", "begin-passkey: What a browser needs to make a passkey", s.account.PasskeyOptions),
		operation(changing(), "POST /api/passkeys", "add-passkey: Keep a passkey", s.account.AddPasskey),
		operation(changing(), "PATCH /api/passkeys/{id}", "rename-passkey: Call a passkey something else", s.account.RenamePasskey),
		operation(changing(), "DELETE /api/passkeys/{id}", "drop-passkey: Remove a passkey", s.account.DropPasskey),
		operation(changing(), "POST /api/identities", "link-identity: Begin to link an account of another service", s.auth.LinkAbroad),
		operation(changing(), "DELETE /api/identities/{id}", "drop-identity: Remove an account of another service", s.account.DropIdentity),
		operation(changing(), "POST /api/second-factor", "begin-codes: Make the secret for an app that shows codes", s.account.BeginFactor),
		operation(changing(), "POST /api/second-factor/confirm", "confirm-codes: Turn codes on", s.account.ConfirmFactor),
		operation(changing(), "DELETE /api/second-factor", "drop-codes: Turn codes off", s.account.DropFactor),
		operation(changing(), "POST /api/recovery-codes", "renew-recovery-codes: New recovery codes", s.account.RenewCodes),
		operation(changing(), "POST /api/account/deletion", "delete-account: Remove one's own account for good", s.account.Leave),
		plain(signedIn(), "GET", "/api/account/export", reply.Handle(s.account.Export)),
	}
}
