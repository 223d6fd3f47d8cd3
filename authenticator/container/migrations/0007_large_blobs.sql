-- The large-blob array (CTAP 2.3 §6.10), sealed to the device: what platforms keep for passkeys, each entry encrypted by
-- its platform. No row while it is as it was at first.
CREATE TABLE large_blobs (
    row INTEGER PRIMARY KEY CHECK (row = 1),
    sealed BLOB NOT NULL
) STRICT;
