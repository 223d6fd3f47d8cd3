-- The tenant that was made first looks after the installation: its administrators may make others.
ALTER TABLE tenants ADD COLUMN home INTEGER NOT NULL DEFAULT 0;
UPDATE tenants SET home = 1 WHERE id = (SELECT id FROM tenants ORDER BY created_at, id LIMIT 1);
CREATE UNIQUE INDEX tenants_home ON tenants (home) WHERE home = 1;

-- What users are searched by: user name and display name, lower case.
ALTER TABLE users ADD COLUMN search TEXT NOT NULL DEFAULT '';
UPDATE users SET search = upn_key || ' ' || lower(display_name);

-- Which tenant's administrators see an entry. Not hashed: it must agree with the record, which is.
ALTER TABLE audit ADD COLUMN tenant TEXT;
UPDATE audit SET tenant = json_extract(record, '$.tenant') WHERE json_valid(record);
CREATE INDEX audit_by_tenant ON audit (tenant, seq);

CREATE INDEX sign_in_log_by_user ON sign_in_log (user_id, error, at);
CREATE INDEX assignments_by_principal ON assignments (principal);
CREATE INDEX invitations_by_user ON invitations (user_id);
