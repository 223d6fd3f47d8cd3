-- Times are whole seconds since 1970 (UTC).

-- Random keys of this site, made at its first start.
CREATE TABLE site_keys (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL CHECK (length(value) = 32)
) STRICT;

CREATE TABLE users (
    id         BLOB PRIMARY KEY CHECK (length(id) = 16),   -- the WebAuthn user handle
    name       TEXT NOT NULL,                              -- as the user wrote it
    name_key   TEXT NOT NULL UNIQUE,                       -- as it is compared: NFKC, lower case
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE passkeys (
    id                   INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id              BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    credential_id        BLOB NOT NULL UNIQUE,             -- unique over all users (WebAuthn L3 7.1 step 26)
    record               TEXT NOT NULL,                    -- webauthn-rs Passkey, JSON
    name                 TEXT NOT NULL,
    aaguid               BLOB NOT NULL CHECK (length(aaguid) = 16),
    signature_count      INTEGER NOT NULL,
    backup_eligible      INTEGER NOT NULL,
    backed_up            INTEGER NOT NULL,
    created_at           INTEGER NOT NULL,
    last_used_at         INTEGER,
    counter_went_back_at INTEGER                           -- a sign of a copy: shown to the user
) STRICT;
CREATE INDEX passkeys_by_user ON passkeys (user_id);

CREATE TABLE sessions (
    token_hash       BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
    user_id          BLOB REFERENCES users (id) ON DELETE CASCADE,
    authenticated_at INTEGER,
    expires_at       INTEGER NOT NULL,
    CHECK ((user_id IS NULL) = (authenticated_at IS NULL))
) STRICT;
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- A row lives from the options to the one response that may use it. user_id has no foreign key: a registration
-- names a user that does not exist yet, and a sign-in with an unknown name is bound to a user that never will.
CREATE TABLE challenges (
    challenge_hash BLOB PRIMARY KEY CHECK (length(challenge_hash) = 32),
    session        BLOB NOT NULL REFERENCES sessions (token_hash) ON DELETE CASCADE,
    ceremony       TEXT NOT NULL CHECK (ceremony IN ('register', 'add', 'sign-in')),
    user_id        BLOB,
    user_name      TEXT,
    state          TEXT NOT NULL,
    expires_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX challenges_by_session ON challenges (session);
CREATE INDEX challenges_by_expiry ON challenges (expires_at);
