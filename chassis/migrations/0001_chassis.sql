-- What the chassis keeps in every service's schema. Runs before the service's own migrations.

CREATE FUNCTION rekku_may_see(provider text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN current_setting('rekku.scope', true) IN ('*', provider);

COMMENT ON FUNCTION rekku_may_see IS
    'The second wall: officers and systems see every row, a provider only its own, others none.';

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    key bytea NOT NULL,
    header_names text[] NOT NULL,
    header_values bytea[] NOT NULL,
    value bytea NOT NULL CHECK (octet_length(value) <= 262144),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE inbox (
    event_id uuid NOT NULL,
    generation text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (event_id, generation)
);

CREATE TABLE timers (
    kind text NOT NULL,
    key text NOT NULL,
    due_at timestamptz NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}',
    attempts integer NOT NULL DEFAULT 0,
    retry_at timestamptz,
    PRIMARY KEY (kind, key)
);
CREATE INDEX timers_due ON timers (due_at);

CREATE TABLE dead_letters (
    letter_id uuid PRIMARY KEY,
    event_id uuid,
    topic text NOT NULL,
    partition integer NOT NULL,
    position bigint NOT NULL,
    key bytea,
    header_names text[] NOT NULL,
    header_values bytea[] NOT NULL,
    value bytea,
    failure text NOT NULL CHECK (failure IN ('permanent', 'bug')),
    error text NOT NULL,
    parks_key boolean NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed', 'discarded')),
    failed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    settled_at timestamptz,
    UNIQUE (topic, partition, position),
    CHECK ((state = 'open') = (settled_at IS NULL))
);
CREATE INDEX dead_letters_open ON dead_letters (failed_at) WHERE state = 'open';

CREATE TABLE parked_keys (
    topic text NOT NULL,
    key bytea NOT NULL,
    letter_id uuid NOT NULL REFERENCES dead_letters,
    PRIMARY KEY (topic, key)
);

CREATE TABLE parked_records (
    topic text NOT NULL,
    key bytea NOT NULL,
    partition integer NOT NULL,
    position bigint NOT NULL,
    header_names text[] NOT NULL,
    header_values bytea[] NOT NULL,
    value bytea,
    PRIMARY KEY (topic, partition, position),
    FOREIGN KEY (topic, key) REFERENCES parked_keys
);

CREATE TABLE idempotency (
    principal text NOT NULL,
    route text NOT NULL,
    idempotency_key text NOT NULL,
    request_hash bytea NOT NULL,
    status integer,
    headers jsonb,
    body bytea,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (principal, route, idempotency_key)
);

CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    role text NOT NULL,
    on_behalf_of text,
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);

-- Rows as the chassis hands them over, many in one parameter.
CREATE TYPE outbox_row AS (topic text, key bytea, header_names text[], header_values bytea[], value bytea);
CREATE TYPE audit_row AS (
    at timestamptz, actor text, role text, on_behalf_of text, action text, subject text, detail jsonb
);
