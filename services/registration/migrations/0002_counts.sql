-- Counts with two times: from when a value holds (`effective_at`) and from when it was known (`recorded_at`).
-- Kela's corrections, which may lower. Ends of contracts with their reasons. The history of a subject by index.

SET LOCAL lock_timeout = '5s';
-- The wall between providers stands for the tables' owner as well.
SELECT set_config('rekku.scope', '*', true);

ALTER TABLE announced_counts
    ADD COLUMN kind text NOT NULL DEFAULT 'announced' CHECK (kind IN ('announced', 'defaulted', 'corrected')),
    ADD COLUMN recorded_at timestamptz,
    ADD COLUMN reason text CHECK (length(reason) BETWEEN 1 AND 500);
UPDATE announced_counts SET recorded_at = effective_at;

-- The release before this one records a value in the moment from which it holds, and does not say so.
CREATE FUNCTION recorded_when_in_force() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.recorded_at := coalesce(NEW.recorded_at, NEW.effective_at);
    RETURN NEW;
END
$$;
CREATE TRIGGER announced_counts_recorded BEFORE INSERT ON announced_counts
    FOR EACH ROW EXECUTE FUNCTION recorded_when_in_force();

ALTER TABLE announced_counts
    ALTER COLUMN recorded_at SET NOT NULL,
    DROP CONSTRAINT announced_counts_check1,
    ADD CONSTRAINT counts_only_raised CHECK (raised_from IS NULL OR count > raised_from OR kind = 'corrected'),
    ADD CONSTRAINT counts_corrected_for_a_reason CHECK ((kind = 'corrected') = (reason IS NOT NULL)),
    ADD CONSTRAINT counts_corrected_after_an_entry CHECK (kind <> 'corrected' OR revision > 1),
    ADD CONSTRAINT counts_defaulted_where_nothing_was CHECK (kind <> 'defaulted' OR revision = 1),
    ADD CONSTRAINT counts_never_for_later CHECK (effective_at <= recorded_at);
COMMENT ON TABLE announced_counts IS
    'The last word wins from its effective_at on: of the rows recorded and in force by then, the highest revision (E-2, E-3)';
COMMENT ON COLUMN announced_counts.raised_from IS 'What stood before; a correction may go below it';
COMMENT ON COLUMN announced_counts.reason IS 'Why Kela corrected an entry; stays in this service';

CREATE TABLE contract_ends (
    contract_id text NOT NULL,
    provider_id text NOT NULL,
    revision integer NOT NULL CHECK (revision > 0),
    valid_to date,
    valid_to_before date,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    set_at timestamptz NOT NULL,
    set_by text NOT NULL,
    PRIMARY KEY (contract_id, revision),
    FOREIGN KEY (contract_id, provider_id) REFERENCES contracts (contract_id, provider_id),
    CONSTRAINT contract_ends_change_something CHECK (valid_to IS DISTINCT FROM valid_to_before)
);
COMMENT ON TABLE contract_ends IS 'Every last day Kela has set or lifted; a contract registered with one has no row for it (E-45)';
ALTER TABLE contract_ends ENABLE ROW LEVEL SECURITY;
ALTER TABLE contract_ends FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON contract_ends
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

CREATE INDEX audit_of_subject ON audit (subject, id);
