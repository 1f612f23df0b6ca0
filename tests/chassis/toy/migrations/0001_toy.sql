CREATE TABLE paid (
    decision_ref text NOT NULL,
    period_number integer NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    times integer NOT NULL DEFAULT 1,
    PRIMARY KEY (decision_ref, period_number)
);
CREATE TABLE offices (office_id text PRIMARY KEY, version integer NOT NULL, name text NOT NULL);
CREATE TABLE notes (
    note_id text PRIMARY KEY,
    provider_id text NOT NULL,
    text text NOT NULL,
    version integer NOT NULL DEFAULT 1
);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON notes USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));
CREATE TABLE fired (at timestamptz NOT NULL, key text NOT NULL, seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
SELECT rekku_wall('notes', 'SELECT, INSERT, UPDATE');
SELECT rekku_wall_commands();
