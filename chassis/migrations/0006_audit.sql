-- The final shape of the audit, and who may do what with it (decision record 0032). No row of before is rewritten.

ALTER TABLE audit ADD COLUMN route text, ADD COLUMN trace_id text;
-- Rows of before, and those that the version before writes meanwhile, have no route.
ALTER TABLE audit ADD CONSTRAINT audit_names_act_and_subject
    CHECK (route IS NULL OR (action NOT LIKE '% %' AND subject LIKE '_%:_%')) NOT VALID;

COMMENT ON COLUMN audit.actor IS 'Who did it: the subject of a token, or system.';
COMMENT ON COLUMN audit.on_behalf_of IS 'The provider that it was done for.';
COMMENT ON COLUMN audit.action IS 'A member of an enum of acts: the service''s, or the chassis''.';
COMMENT ON COLUMN audit.subject IS 'What it was done to, as kind:id.';
COMMENT ON COLUMN audit.route IS 'Method and address of the request that asked for it; null where none did.';
COMMENT ON COLUMN audit.trace_id IS 'The trace of the request or the event that it comes from.';

-- A type of its own: the version before goes on writing with `audit_row`.
CREATE TYPE act_row AS (
    at timestamptz, actor text, role text, on_behalf_of text, action text, subject text, detail jsonb,
    route text, trace_id text
);

-- What the application has to know of the ledger of migrations, of which it may read nothing itself.
CREATE FUNCTION applied_migrations() RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER
    BEGIN ATOMIC
        SELECT name FROM migrations;
    END;
COMMENT ON FUNCTION applied_migrations IS 'The names of the migrations that this schema has.';

-- Whoever it is that default privileges have given everything: the audit is read and added to, and that is all.
DO $$
DECLARE
    grantee text;
BEGIN
    FOR grantee IN
        SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
        FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.oid IN ('audit'::regclass, 'migrations'::regclass) AND a.grantee <> c.relowner
    LOOP
        EXECUTE format('REVOKE ALL ON audit, migrations FROM %s', grantee);
        EXECUTE format('REVOKE ALL ON SEQUENCE %s FROM %s', pg_get_serial_sequence('audit', 'id'), grantee);
        EXECUTE format('GRANT SELECT, INSERT ON audit TO %s', grantee);
    END LOOP;
END
$$;
