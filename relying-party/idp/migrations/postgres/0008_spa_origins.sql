-- Origins of pages without a server, as their applications' redirect URIs have them: their scripts may read our answers.
-- Written with each registration and each change of one.
CREATE TABLE spa_origins (
    origin TEXT NOT NULL,
    app    TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    PRIMARY KEY (origin, app)
);
CREATE INDEX spa_origins_by_app ON spa_origins (app);
