-- Registered devices. A device has one certificate; another one of an earlier registration is worth nothing.
CREATE TABLE devices (
    id           TEXT PRIMARY KEY,                         -- the common name of its certificate
    tenant       TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    owner        TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    search       TEXT NOT NULL,                            -- the name, lower case
    device_key   BLOB NOT NULL UNIQUE,                     -- hash of the public key in its certificate
    endorsement  BLOB,                                     -- hash of its TPM's endorsement key, if that was verified
    certificate  BLOB NOT NULL,
    record       TEXT NOT NULL,
    enabled      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER
) STRICT;
CREATE INDEX devices_by_owner ON devices (owner);
CREATE INDEX devices_by_tenant ON devices (tenant, search, id);

-- Public keys that users sign in with on one device (MS-ADTS 2.2.20): one of each user on each device.
CREATE TABLE enterprise_keys (
    id           TEXT PRIMARY KEY,                         -- the name that the device is told
    key_id       BLOB NOT NULL UNIQUE,                     -- hash of the key's material: the name that assertions have
    material     BLOB NOT NULL,
    tenant       TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    user_id      TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device       TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    multifactor  INTEGER NOT NULL,                         -- whether two factors were shown when it was registered
    attestation  TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    UNIQUE (user_id, device)
) STRICT;
CREATE INDEX enterprise_keys_by_device ON enterprise_keys (device);

-- Attestations under way. Each is known by its challenge, good for one answer, and of one user and one TPM.
CREATE TABLE attestation_challenges (
    hash       BLOB PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    record     TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX attestation_challenges_by_expiry ON attestation_challenges (expires_at);

CREATE INDEX grants_by_device ON grants (device);
