-- Who this container is. Exactly one row.
CREATE TABLE container (
    row INTEGER PRIMARY KEY CHECK (row = 1),
    id BLOB NOT NULL CHECK (length(id) = 16),
    created INTEGER NOT NULL,
    -- The Name of the storage root key, pinned at creation: another TPM is recognised by it.
    storage_root_name BLOB NOT NULL,
    -- The key of all look-up tags below, bound to the TPM without a gesture.
    lookup_key BLOB NOT NULL,
    stretch_memory_kib INTEGER NOT NULL,
    stretch_passes INTEGER NOT NULL,
    -- Raised whenever the PIN changes or goes; what was unlocked before is stale.
    generation INTEGER NOT NULL,
    admin_key BLOB,
    -- The administrative key's authorisation value, sealed under the authentication key.
    admin_auth BLOB,
    -- 1 from the first step of a destruction to its last, so that an interrupted one is finished.
    destroying INTEGER NOT NULL DEFAULT 0 CHECK (destroying IN (0, 1)),
    CHECK ((admin_key IS NULL) = (admin_auth IS NULL))
) STRICT;

-- What a gesture opens: each row holds its own copy of the authentication key, sealed by the TPM.
-- Kinds: 'pin'. Later: one per biometric gesture, 'pin reset'.
CREATE TABLE protectors (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    slot INTEGER CHECK (slot IN (0, 1)),
    salt BLOB,
    sealed BLOB NOT NULL,
    CHECK (kind <> 'pin' OR (slot IS NOT NULL AND salt IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX protectors_one_pin ON protectors (kind) WHERE kind = 'pin';

-- PIN slots of ours that no protector uses: written before a slot is defined, gone after it is undefined.
-- Only a slot named here is ever undefined, so another container's slot is never touched.
CREATE TABLE abandoned_slots (
    slot INTEGER PRIMARY KEY CHECK (slot IN (0, 1))
) STRICT;

-- User keys. Everything that tells what a key is for is sealed; the tags are hashes under the look-up key.
CREATE TABLE user_keys (
    -- Grows: newest last.
    sequence INTEGER PRIMARY KEY,
    -- 'passkey'. Later: one per identity provider.
    domain TEXT NOT NULL,
    -- What opens the record: 'verified' is the authentication key. Later: 'presence'.
    class TEXT NOT NULL,
    id_tag BLOB NOT NULL UNIQUE,
    scope_tag BLOB NOT NULL,
    account_tag BLOB NOT NULL,
    discoverable INTEGER NOT NULL CHECK (discoverable IN (0, 1)),
    -- No signature count above this one has been handed out.
    reserved_count INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX user_keys_by_scope ON user_keys (scope_tag, sequence) WHERE discoverable = 1;
-- Counts are read from this index alone.
CREATE INDEX user_keys_by_domain ON user_keys (domain, discoverable);
-- One discoverable passkey per account of a relying party (CTAP 2.3 §6.1.2).
CREATE UNIQUE INDEX user_keys_by_account ON user_keys (account_tag) WHERE discoverable = 1;
