-- What is set about the authenticator itself, sealed under the key of this device that needs no gesture.
CREATE TABLE settings (
    -- 'kept' lasts until a reset, 'of this PIN' until the PIN changes.
    name TEXT NOT NULL PRIMARY KEY CHECK (name IN ('kept', 'of this PIN')),
    sealed BLOB NOT NULL
) STRICT;

-- What the holder of the persistent token may see of each discoverable key without a gesture, sealed under a key that is
-- derived from the token. Empty while there is no such token.
CREATE TABLE listings (
    id_tag BLOB NOT NULL PRIMARY KEY REFERENCES user_keys (id_tag) ON DELETE CASCADE,
    sealed BLOB NOT NULL
) STRICT;

-- Counts the changes of what is discoverable, each in the transaction of the change. Whoever makes `user_keys` anew must
-- make these triggers anew, too.
ALTER TABLE container ADD COLUMN discoverable_changes INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER discoverable_added AFTER INSERT ON user_keys WHEN NEW.discoverable = 1 BEGIN
    UPDATE container SET discoverable_changes = discoverable_changes + 1;
END;
CREATE TRIGGER discoverable_removed AFTER DELETE ON user_keys WHEN OLD.discoverable = 1 BEGIN
    UPDATE container SET discoverable_changes = discoverable_changes + 1;
END;
CREATE TRIGGER discoverable_changed AFTER UPDATE OF sealed ON user_keys WHEN NEW.discoverable = 1 BEGIN
    UPDATE container SET discoverable_changes = discoverable_changes + 1;
END;
