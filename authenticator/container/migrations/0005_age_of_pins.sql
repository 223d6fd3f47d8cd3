-- When the PIN was set, in seconds since 1970; NULL of one that was set before this was written down. Its `details` hold,
-- sealed under the authentication key, how it looks and verifiers of the last ones.
ALTER TABLE protectors ADD COLUMN since INTEGER;
