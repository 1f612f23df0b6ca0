SET LOCAL lock_timeout = '5s';

-- A session ends when it is not used. Its owner sees the others with the same issuer and subject.
-- What the release before opens meanwhile has no issuer: it is in nobody's list, and ends like the others.
ALTER TABLE sessions
    ADD COLUMN issuer text NOT NULL DEFAULT '',
    ADD COLUMN browser text NOT NULL DEFAULT '' CHECK (length(browser) <= 40),
    ADD COLUMN system text NOT NULL DEFAULT '' CHECK (length(system) <= 40),
    ADD COLUMN last_used_at timestamptz NOT NULL DEFAULT now();

CREATE INDEX sessions_unused ON sessions (last_used_at);
CREATE INDEX sessions_of_one ON sessions (issuer, subject);
