-- Registrations of passkeys under way. Each is known by its challenge, good for one answer, and of one user in one place.
CREATE TABLE ceremonies (
    challenge  BLOB PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    place      BLOB NOT NULL,                              -- the sign-in, session or API client that began it
    record     TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX ceremonies_by_user ON ceremonies (user_id);
CREATE INDEX ceremonies_by_expiry ON ceremonies (expires_at);

ALTER TABLE passkeys ADD COLUMN backup_eligible INTEGER NOT NULL DEFAULT 0;
ALTER TABLE passkeys ADD COLUMN backed_up INTEGER NOT NULL DEFAULT 0;
-- When its signature counter went back: a copy of it may exist.
ALTER TABLE passkeys ADD COLUMN suspected_at INTEGER;
