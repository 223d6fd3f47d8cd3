-- Registrations of passkeys under way. Each is known by its challenge, good for one answer, and of one user in one place.
CREATE TABLE ceremonies (
    challenge  BYTEA PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    place      BYTEA NOT NULL,                              -- the sign-in, session or API client that began it
    record     TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX ceremonies_by_user ON ceremonies (user_id);
CREATE INDEX ceremonies_by_expiry ON ceremonies (expires_at);

ALTER TABLE passkeys ADD COLUMN backup_eligible BIGINT NOT NULL DEFAULT 0;
ALTER TABLE passkeys ADD COLUMN backed_up BIGINT NOT NULL DEFAULT 0;
-- When its signature counter went back: a copy of it may exist.
ALTER TABLE passkeys ADD COLUMN suspected_at BIGINT;
