SET LOCAL lock_timeout = '5s';

-- What a signed-in browser holds is a random cookie; here only its hash is kept, and the token sealed
-- under a key made from the cookie. Reading this table is not enough to act as anyone.
CREATE TABLE sessions (
    session_hash text PRIMARY KEY CHECK (session_hash ~ '^[0-9a-f]{64}$'),
    role text NOT NULL CHECK (role IN ('provider', 'officer', 'system')),
    subject text NOT NULL,
    provider_id text CHECK ((provider_id IS NOT NULL) = (role = 'provider')),
    sealed_token bytea NOT NULL,
    known text[] NOT NULL DEFAULT '{}' CHECK (cardinality(known) <= 20),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at)
);

CREATE INDEX sessions_expire ON sessions (expires_at);
