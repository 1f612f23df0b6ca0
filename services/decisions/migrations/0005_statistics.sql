-- What statistics need beside the present copies, and the tables that were published before this system counted.

SET LOCAL lock_timeout = '5s';

ALTER TABLE services ADD COLUMN IF NOT EXISTS names jsonb;
COMMENT ON COLUMN services.names IS 'By the newest description; NULL until it is published again';

CREATE TABLE reported_tables (
    table_id text PRIMARY KEY,
    edition integer NOT NULL CHECK (edition > 0),
    document jsonb NOT NULL
);
COMMENT ON TABLE reported_tables IS 'Figures as reported, each with its source; never computed, never computed from (E-61)';
