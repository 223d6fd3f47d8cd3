-- Protectors of kind 'fingerprint' and 'face' that outlive a restart of the program; the others are never written down.
CREATE UNIQUE INDEX protectors_one_of_a_biometric ON protectors (kind) WHERE kind IN ('fingerprint', 'face');

-- Templates that may open the container. The seal is made under the authentication key at the place of the digest, so a
-- template that anybody put in the place of another is told from one that was enrolled with the PIN.
CREATE TABLE templates (
    -- SHA-256 of user, sensor, kind and template.
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    kind TEXT NOT NULL CHECK (kind IN ('fingerprint', 'face')),
    sealed BLOB NOT NULL
) STRICT;

-- Biometric gestures in a row that were not accepted. Beyond a limit only the PIN helps, also after a restart.
ALTER TABLE container ADD COLUMN failed_matches INTEGER NOT NULL DEFAULT 0;
