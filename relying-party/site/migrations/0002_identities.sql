-- Accounts at an identity provider. They are apart from `users`: issuer and subject name one, and neither a name nor
-- an address ever joins it to an account of this site.
CREATE TABLE identities (
    id         BLOB PRIMARY KEY CHECK (length(id) = 16),
    issuer     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    name       TEXT NOT NULL,                              -- as the provider last said; for display only
    user_name  TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (issuer, subject)
) STRICT;

-- Which sessions an identity has signed in to. The session row itself then has no user of this site.
CREATE TABLE identity_sign_ins (
    session          BLOB PRIMARY KEY REFERENCES sessions (token_hash) ON DELETE CASCADE,
    identity         BLOB NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    provider_session TEXT,                                 -- the provider's `sid`
    id_token         TEXT NOT NULL,                        -- the hint that a sign-out at the provider takes
    authenticated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX identity_sign_ins_by_identity ON identity_sign_ins (identity);

-- A row lives from the redirect to the provider to the one answer that may use it.
CREATE TABLE identity_requests (
    state_hash BLOB PRIMARY KEY CHECK (length(state_hash) = 32),
    session    BLOB NOT NULL REFERENCES sessions (token_hash) ON DELETE CASCADE,
    nonce      TEXT NOT NULL,
    verifier   TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX identity_requests_by_session ON identity_requests (session);
CREATE INDEX identity_requests_by_expiry ON identity_requests (expires_at);
