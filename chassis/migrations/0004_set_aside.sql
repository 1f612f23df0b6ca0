-- Rows of the outbox that the bus does not take, and later rows of their keys, which wait behind them.
CREATE TABLE outbox_aside (
    id bigint PRIMARY KEY,
    topic text NOT NULL,
    key bytea NOT NULL,
    header_names text[] NOT NULL,
    header_values bytea[] NOT NULL,
    value bytea NOT NULL,
    created_at timestamptz NOT NULL,
    set_aside_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    fault text,
    retry boolean NOT NULL DEFAULT false
);
CREATE INDEX outbox_aside_by_key ON outbox_aside (topic, key, id);

COMMENT ON COLUMN outbox_aside.fault IS 'Why the bus does not take this row; without one it waits behind another.';
COMMENT ON COLUMN outbox_aside.retry IS 'Somebody has asked to have the rows of this key given back.';
