-- A slot that is named here is cleared only if its index was defined under this administrative key: a database that
-- names the slot wrongly, because it is old or because another container was quicker, clears nothing.
CREATE TABLE slots_to_clear (
    slot INTEGER NOT NULL CHECK (slot IN (0, 1)),
    admin_key BLOB NOT NULL,
    PRIMARY KEY (slot, admin_key)
) STRICT;
INSERT INTO slots_to_clear (slot, admin_key)
    SELECT slot, admin_key FROM abandoned_slots, container WHERE admin_key IS NOT NULL;
DROP TABLE abandoned_slots;
ALTER TABLE slots_to_clear RENAME TO abandoned_slots;
