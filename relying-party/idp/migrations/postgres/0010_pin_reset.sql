-- The PIN reset service. It stores no secret of any user: only its own keys, and what it did.

-- Keys of the service. A retired one stays as a name, with nothing left to use.
CREATE TABLE reset_keys (
    kid         TEXT PRIMARY KEY,
    protocol    TEXT NOT NULL,
    place       TEXT NOT NULL,                             -- where the private half is used: software, tpm, pkcs11
    public      BYTEA NOT NULL,                             -- SEC 1, uncompressed
    sealed      BYTEA NOT NULL,                             -- the private half, or what its place finds it by
    certificate BYTEA NOT NULL,                             -- DER
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,                          -- of the certificate: until then devices may take it
    retired_at  BIGINT
);

-- What was released, and what was refused. The audit log has the same in its chain.
CREATE TABLE reset_events (
    id       TEXT PRIMARY KEY,
    at       BIGINT NOT NULL,
    tenant   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    user_id  TEXT,
    device   TEXT,
    purpose  TEXT NOT NULL,                                -- empty: not known
    protocol TEXT NOT NULL,
    kid      TEXT NOT NULL,
    code     TEXT NOT NULL,                                -- 'released', or why not
    address  TEXT NOT NULL,
    trace    TEXT NOT NULL,                                -- the request's name
    seen_at  BIGINT                                       -- when the user was told of a release
);
CREATE INDEX reset_events_by_time ON reset_events (tenant, at);
CREATE INDEX reset_events_by_user ON reset_events (user_id, at);

CREATE TABLE user_groups (
    id          TEXT PRIMARY KEY,
    tenant      TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    name_key    TEXT NOT NULL,                             -- as it is compared: lower case
    description TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    UNIQUE (tenant, name_key)
);

CREATE TABLE group_members (
    group_id TEXT NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
    user_id  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX group_members_by_user ON group_members (user_id);

-- Who may reset a PIN, where the tenant lets people reset it. Exactly one of user and group is there.
CREATE TABLE reset_rules (
    tenant   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    user_id  TEXT UNIQUE REFERENCES users (id) ON DELETE CASCADE,
    group_id TEXT UNIQUE REFERENCES user_groups (id) ON DELETE CASCADE,
    allowed  BIGINT NOT NULL,
    CHECK ((user_id IS NULL) <> (group_id IS NULL))
);
CREATE INDEX reset_rules_by_tenant ON reset_rules (tenant);

-- An administrator asks that a device's count of wrong PINs be set to zero, another one approves.
CREATE TABLE helpdesk_cases (
    id          TEXT PRIMARY KEY,
    tenant      TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    user_id     TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device      TEXT NOT NULL,
    reason      TEXT NOT NULL,
    opened_by   TEXT NOT NULL,
    opened_at   BIGINT NOT NULL,
    decided_by  TEXT,
    decided_at  BIGINT,
    approved    BIGINT,
    code        BYTEA UNIQUE,                               -- the hash of the code; gone once it was used
    expires_at  BIGINT NOT NULL,                          -- of the case, then of its code
    used_at     BIGINT
);
CREATE INDEX helpdesk_cases_by_tenant ON helpdesk_cases (tenant, opened_at);
