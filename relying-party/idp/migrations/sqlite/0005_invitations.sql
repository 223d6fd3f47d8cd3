-- A link belongs to the first browser that opened it, and is gone when the first way to sign in is stored.
ALTER TABLE invitations ADD COLUMN browser BLOB;           -- the hash of its cookie
ALTER TABLE invitations ADD COLUMN claimed_at INTEGER;     -- while something is being stored
