-- The key by which this installation vouches for its passkeys, with its certificate, sealed to the device: it needs no
-- gesture. No row before the first use; a reset ends it.
CREATE TABLE installation_key (
    row INTEGER PRIMARY KEY CHECK (row = 1),
    sealed BLOB NOT NULL
) STRICT;
