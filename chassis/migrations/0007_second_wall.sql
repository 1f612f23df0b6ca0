-- The second wall on every table with what belongs to a provider or a client, the chassis' own included (record 0033).
-- Requests of providers and of the public work in the role rekku_<service>_provider. It may do what a migration gives
-- it and nothing else, and its policies compare with one provider's id: they know no wildcard.

DO $$
BEGIN
    IF to_regrole(format('rekku_%s_provider', current_schema())) IS NULL THEN
        RAISE EXCEPTION 'there is no role rekku_%_provider: run rekku provision first', current_schema();
    END IF;
END
$$;

CREATE FUNCTION rekku_own_provider() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('rekku.scope', true), '');
COMMENT ON FUNCTION rekku_own_provider IS 'Whose request this is: a provider''s id; NULL, which equals nothing, for the public';

CREATE FUNCTION rekku_own_act(role text, on_behalf_of text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN rekku_own_provider() IS NOT NULL
        AND CASE role WHEN 'system' THEN on_behalf_of IS NULL ELSE on_behalf_of = rekku_own_provider() END;
COMMENT ON FUNCTION rekku_own_act IS
    'Whether a provider''s request may leave this audit row: of what was done for it, or followed by itself from that';

-- Policies that were there for everybody are the service's own from now on; a table without any is wholly its own.
CREATE FUNCTION rekku_wall(
    walled regclass,
    rights text DEFAULT NULL,
    seen text DEFAULT 'provider_id = (SELECT rekku_own_provider())',
    written text DEFAULT NULL
) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    service CONSTANT text := format('rekku_%s', current_schema());
    owner CONSTANT text := service || '_owner';
    provider CONSTANT text := service || '_provider';
    everybodys name;
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', walled);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', walled);
    EXECUTE format('REVOKE ALL ON %s FROM %I', walled, provider);
    EXECUTE format('DROP POLICY IF EXISTS own_rows ON %s', walled);
    FOR everybodys IN SELECT polname FROM pg_policy WHERE polrelid = walled AND polroles = '{0}' LOOP
        EXECUTE format('ALTER POLICY %I ON %s TO %I, %I', everybodys, walled, service, owner);
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = walled) THEN
        EXECUTE format('CREATE POLICY service_itself ON %s TO %I, %I USING (true)', walled, service, owner);
    END IF;
    IF rights IS NOT NULL THEN
        EXECUTE format('GRANT %s ON %s TO %I', rights, walled, provider);
        EXECUTE format(
            'CREATE POLICY own_rows ON %s TO %I USING (%s) WITH CHECK (%s)',
            walled, provider, seen, coalesce(written, seen)
        );
    END IF;
END
$$;
COMMENT ON FUNCTION rekku_wall IS
    'Puts a table behind the second wall; rights: what a provider''s request may do with the rows that are its own';

-- What every command of a provider leaves behind. An answer is found again by its owner; an event by nobody.
CREATE FUNCTION rekku_wall_commands() RETURNS void
    LANGUAGE sql AS $$
    SELECT rekku_wall('outbox', 'INSERT', 'false', '(SELECT rekku_own_provider()) IS NOT NULL');
    SELECT rekku_wall('audit', 'INSERT', 'false', 'rekku_own_act(role, on_behalf_of)');
    -- Rows of before name a subject alone; they are looked for so that no key is used twice, and hold nothing else.
    SELECT rekku_wall(
        'idempotency', 'SELECT, INSERT, UPDATE',
        'CASE WHEN principal IS JSON ARRAY THEN principal::jsonb ->> 2 = (SELECT rekku_own_provider()) ELSE true END',
        'CASE WHEN principal IS JSON ARRAY THEN principal::jsonb ->> 2 = (SELECT rekku_own_provider()) END'
    );
$$;

UPDATE idempotency SET headers = NULL, body = NULL WHERE (principal IS JSON ARRAY) IS NOT TRUE AND body IS NOT NULL;

REVOKE ALL ON FUNCTION rekku_wall, rekku_wall_commands FROM PUBLIC;

SELECT rekku_wall(walled) FROM unnest(ARRAY[
    'outbox', 'outbox_aside', 'dead_letters', 'parked_keys', 'parked_records', 'timers', 'idempotency', 'audit'
]::regclass[]) AS walled;
