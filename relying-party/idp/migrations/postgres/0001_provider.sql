-- Times are whole seconds since 1970 (UTC); identifiers are hyphenated lower-case GUIDs; hashes are SHA-256.
-- `record` columns are JSON that SQL never looks into.

CREATE TABLE tenants (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    policy     TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE tenant_domains (
    domain TEXT PRIMARY KEY,                               -- lower case
    tenant TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE
);
CREATE INDEX tenant_domains_by_tenant ON tenant_domains (tenant);

CREATE TABLE users (
    id                  TEXT PRIMARY KEY,
    tenant              TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    upn                 TEXT NOT NULL,                     -- as it was written
    upn_key             TEXT NOT NULL UNIQUE,              -- as it is compared: lower case
    display_name        TEXT NOT NULL,
    given_name          TEXT,
    family_name         TEXT,
    email               TEXT,
    enabled             BIGINT NOT NULL,
    administrator       BIGINT NOT NULL,
    password            TEXT,                              -- Argon2id, PHC string
    password_changed_at BIGINT,
    sessions_valid_from BIGINT NOT NULL,
    created_at          BIGINT NOT NULL
);
CREATE INDEX users_by_tenant ON users (tenant, upn_key);

-- Links that are good for one sign-in: a new administrator's, an invited user's.
CREATE TABLE invitations (
    hash       BYTEA PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);

CREATE TABLE apps (
    id             TEXT PRIMARY KEY,
    home           TEXT REFERENCES tenants (id) ON DELETE CASCADE,
    name           TEXT NOT NULL,
    identifier_uri TEXT UNIQUE,
    record         TEXT NOT NULL,
    created_at     BIGINT NOT NULL
);
CREATE INDEX apps_by_home ON apps (home);

-- Who may use an application, and in which role: a user's or another application's assignment.
CREATE TABLE assignments (
    tenant    TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    app       TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    principal TEXT NOT NULL,
    role      TEXT NOT NULL,                               -- empty: no role, only access
    PRIMARY KEY (tenant, app, principal, role)
);

CREATE TABLE consents (
    tenant   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    user_id  TEXT NOT NULL,                                -- empty: an administrator's, for all
    client   TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    resource TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    scopes   TEXT NOT NULL,
    given_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, user_id, client, resource)
);

-- A browser's session. The cookie is known by its hash.
CREATE TABLE sessions (
    id         TEXT PRIMARY KEY,
    hash       BYTEA NOT NULL UNIQUE,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    record     TEXT NOT NULL,
    persistent BIGINT NOT NULL,
    address    TEXT NOT NULL,
    agent      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at   BIGINT
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- What one sign-in gave to one client: the family of its refresh tokens. Made together with the code.
CREATE TABLE grants (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client     TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    session    TEXT,
    device     TEXT,
    record     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX grants_by_user ON grants (user_id);
CREATE INDEX grants_by_session ON grants (session);
CREATE INDEX grants_by_expiry ON grants (expires_at);

-- A used code stays until its grant goes, so that its second use is known for what it is (RFC 6749 4.1.2).
CREATE TABLE codes (
    hash       BYTEA PRIMARY KEY,
    grant_id   TEXT NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    record     TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX codes_by_grant ON codes (grant_id);
CREATE INDEX codes_by_expiry ON codes (expires_at);

-- A used token stays as long as it would have lived, so that a thief's or a victim's second use is known.
CREATE TABLE refresh_tokens (
    hash       BYTEA PRIMARY KEY,
    grant_id   TEXT NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX refresh_tokens_by_grant ON refresh_tokens (grant_id);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);

CREATE TABLE device_codes (
    hash           BYTEA PRIMARY KEY,
    user_code_hash BYTEA NOT NULL UNIQUE,
    client         TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    record         TEXT NOT NULL,
    answer         TEXT,                                   -- 'denied', or the authentication as JSON
    polled_at      BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL
);
CREATE INDEX device_codes_by_expiry ON device_codes (expires_at);

-- Strings that may be presented once after we made them (nonces), and strings of others that we have seen (jti).
CREATE TABLE nonces (
    hash       BYTEA NOT NULL,
    purpose    TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (purpose, hash)
);
CREATE INDEX nonces_by_expiry ON nonces (expires_at);
CREATE TABLE seen (
    hash       BYTEA NOT NULL,
    purpose    TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (purpose, hash)
);
CREATE INDEX seen_by_expiry ON seen (expires_at);

CREATE TABLE passkeys (
    id                   TEXT PRIMARY KEY,
    user_id              TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    credential_id        BYTEA NOT NULL UNIQUE,             -- unique over all users (WebAuthn L3 7.1 step 26)
    record               TEXT NOT NULL,
    name                 TEXT NOT NULL,
    aaguid               TEXT NOT NULL,
    attestation          TEXT NOT NULL,                    -- what its verification said
    signature_count      BIGINT NOT NULL,
    created_at           BIGINT NOT NULL,
    last_used_at         BIGINT
);
CREATE INDEX passkeys_by_user ON passkeys (user_id);

CREATE TABLE totp (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    sealed       BYTEA NOT NULL,
    last_step    BIGINT NOT NULL,                             -- no step is accepted twice (RFC 6238 5.2)
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX totp_by_user ON totp (user_id);

CREATE TABLE passes (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    verifier   TEXT NOT NULL,
    once       BIGINT NOT NULL,
    starts_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX passes_by_user ON passes (user_id);

CREATE TABLE signing_keys (
    kid        TEXT PRIMARY KEY,
    algorithm  TEXT NOT NULL,
    public     TEXT NOT NULL,                              -- the JWK that clients see
    sealed     BYTEA NOT NULL,                              -- PKCS #8 under the key-encryption key
    signs_from BIGINT NOT NULL,
    gone_at    BIGINT                                         -- set by the rotation that replaced it
);

-- Long-lived keys of other kinds (pairwise subjects, audit chain), sealed.
CREATE TABLE service_keys (
    name   TEXT PRIMARY KEY,
    sealed BYTEA NOT NULL
);

CREATE TABLE sign_in_log (
    id         TEXT PRIMARY KEY,
    at         BIGINT NOT NULL,
    tenant     TEXT,
    user_id    TEXT,
    upn        TEXT NOT NULL,
    client     TEXT,
    address    TEXT NOT NULL,
    agent      TEXT NOT NULL,
    methods    TEXT NOT NULL,
    error      BIGINT NOT NULL                                -- 0: success
);
CREATE INDEX sign_in_log_by_time ON sign_in_log (tenant, at);

CREATE TABLE audit (
    seq    BIGINT PRIMARY KEY,
    at     BIGINT NOT NULL,
    record TEXT NOT NULL,
    hash   BYTEA NOT NULL                                   -- over the previous hash and this record
);

CREATE TABLE limits (
    bucket     TEXT PRIMARY KEY,
    state      TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX limits_by_expiry ON limits (expires_at);
