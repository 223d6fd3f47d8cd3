-- Sign-ins under way. Each is known by its ctx, bound to one browser's cookie, and at one step: the page that was shown last.
CREATE TABLE sign_ins (
    ctx        BLOB PRIMARY KEY,
    browser    BLOB NOT NULL,
    step       BLOB,                                       -- NULL while a step is being taken
    record     TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_ins_by_expiry ON sign_ins (expires_at);
