-- What one identity provider's tenant has in the container. The identifier is random and says nothing elsewhere.
CREATE TABLE compartments (
    -- Grows: newest last.
    sequence INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    -- The version of the last PIN reset protector that was made for it.
    protector_version INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What a compartment has, each thing sealed; the tag is a hash under the look-up key of compartment, kind and name.
CREATE TABLE compartment_records (
    tag BLOB NOT NULL PRIMARY KEY,
    compartment BLOB NOT NULL REFERENCES compartments (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    -- What opens it: 'local' is a key of this device that needs no gesture, 'verified' the authentication key.
    class TEXT NOT NULL CHECK (class IN ('local', 'verified')),
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX compartment_records_by_kind ON compartment_records (compartment, kind);

-- Protectors of kind 'pin reset': one per compartment. The details say, sealed, whose key the service holds.
ALTER TABLE protectors ADD COLUMN compartment BLOB REFERENCES compartments (id) ON DELETE CASCADE;
ALTER TABLE protectors ADD COLUMN details BLOB;
CREATE UNIQUE INDEX protectors_one_pin_reset ON protectors (compartment) WHERE kind = 'pin reset';
