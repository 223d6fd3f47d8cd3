-- A link belongs to the first browser that opened it, and is gone when the first way to sign in is stored.
ALTER TABLE invitations ADD COLUMN browser BYTEA;          -- the hash of its cookie
ALTER TABLE invitations ADD COLUMN claimed_at BIGINT;      -- while something is being stored
