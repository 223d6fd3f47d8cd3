-- Sign-ins under way. Each is known by its ctx, bound to one browser's cookie, and at one step: the page that was shown last.
CREATE TABLE sign_ins (
    ctx        BYTEA PRIMARY KEY,
    browser    BYTEA NOT NULL,
    step       BYTEA,                                       -- NULL while a step is being taken
    record     TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sign_ins_by_expiry ON sign_ins (expires_at);
