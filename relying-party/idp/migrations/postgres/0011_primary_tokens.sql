-- Primary refresh tokens: what a registered device holds for its user. A renewal adds a row; earlier ones of the same grant
-- end soon after the new one was first used. User, device and sign-in are the grant's.
CREATE TABLE primary_tokens (
    id          TEXT PRIMARY KEY,
    hash        BYTEA NOT NULL UNIQUE,
    grant_id    TEXT NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    key_id      BYTEA,                                     -- the enterprise key that signed in, if one did
    sealed      BYTEA NOT NULL,                            -- the session key
    key_made_at BIGINT NOT NULL,                           -- when the session key was made
    issued_at   BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX primary_tokens_by_grant ON primary_tokens (grant_id);
CREATE INDEX primary_tokens_by_expiry ON primary_tokens (expires_at);

-- The device that a browser proved: its sessions end with it.
ALTER TABLE sessions ADD COLUMN device TEXT;
