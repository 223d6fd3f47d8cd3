-- A password that an administrator gave is good for one sign-in, at which another one is chosen.
ALTER TABLE users ADD COLUMN password_must_change INTEGER NOT NULL DEFAULT 0;

-- Authorization requests that clients pushed (RFC 9126). Each is good for one use.
CREATE TABLE pushed_requests (
    hash       BLOB PRIMARY KEY,                           -- of the request_uri
    client     TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    record     TEXT NOT NULL,                              -- the form, without what authenticates the client
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX pushed_requests_by_expiry ON pushed_requests (expires_at);

-- Numbers that only grow: the serial number of the FIDO metadata that were accepted last.
CREATE TABLE high_marks (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

-- The sign-in log is searched by the user, the application and the request.
ALTER TABLE sign_in_log ADD COLUMN correlation TEXT NOT NULL DEFAULT '';
CREATE INDEX sign_in_log_by_correlation ON sign_in_log (correlation);
