-- Decisions, the two counters a grant takes from, the queue for a full quota, payments, client contacts,
-- and this service's copies of what others own. An id is text; an instant is UTC; a day is a Helsinki date.

SET LOCAL lock_timeout = '5s';

-- Copies ---------------------------------------------------------------------------------------------------

CREATE TABLE contracts (
    contract_id text PRIMARY KEY,
    version bigint NOT NULL,
    provider_id text NOT NULL,
    service text NOT NULL,
    language text NOT NULL CHECK (language IN ('fi', 'sv')),
    valid_from date NOT NULL,
    valid_to date
);
CREATE INDEX contracts_of_service ON contracts (service, language);
CREATE INDEX contracts_of_provider ON contracts (provider_id);

CREATE TABLE services (
    service text PRIMARY KEY,
    version bigint NOT NULL
);

CREATE TABLE service_descriptions (
    service text NOT NULL REFERENCES services,
    description_version integer NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    confirm_within_months integer CHECK (confirm_within_months > 0),
    PRIMARY KEY (service, description_version)
);
COMMENT ON COLUMN service_descriptions.confirm_within_months IS 'NULL: not known, so no deadline';

CREATE TABLE courses (
    course_id text PRIMARY KEY,
    version bigint NOT NULL,
    contract_id text NOT NULL,
    provider_id text NOT NULL,
    office_id text NOT NULL,
    service text NOT NULL,
    state text NOT NULL,
    periods jsonb NOT NULL
);

CREATE TABLE pins (
    decision_ref text NOT NULL,
    course_id text NOT NULL,
    version bigint NOT NULL,
    provider_id text NOT NULL,
    office_id text NOT NULL,
    state text NOT NULL,
    occupies_place boolean NOT NULL,
    PRIMARY KEY (decision_ref, course_id)
);
COMMENT ON TABLE pins IS 'The last word on each decision and course; the highest version of a decision is its present pin';

-- The two counters, locked in this order ---------------------------------------------------------------------

CREATE TABLE announced_counts (
    contract_id text NOT NULL,
    year integer NOT NULL CHECK (year BETWEEN 2000 AND 2200),
    provider_id text NOT NULL,
    service text NOT NULL,
    language text NOT NULL CHECK (language IN ('fi', 'sv')),
    announced integer NOT NULL CHECK (announced >= 0),
    used integer NOT NULL DEFAULT 0 CHECK (used >= 0),
    ceiling integer NOT NULL,
    filled boolean NOT NULL,
    version bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (contract_id, year),
    CHECK (ceiling >= announced),
    CONSTRAINT no_grant_beyond_the_count CHECK (used <= ceiling)
) WITH (fillfactor = 50);
CREATE INDEX announced_counts_of_service ON announced_counts (service, language, year);
COMMENT ON COLUMN announced_counts.ceiling IS
    'What no grant may pass: the announced count, or what was used already when a correction went below it (E-3)';
COMMENT ON COLUMN announced_counts.filled IS 'What was last published: AnnouncedCountFilled or AnnouncedCountReopened';

CREATE TABLE quotas (
    service text NOT NULL,
    year integer NOT NULL CHECK (year BETWEEN 2000 AND 2200),
    estimate integer CHECK (estimate >= 0),
    quota_limit integer CHECK (quota_limit >= 0),
    used integer NOT NULL DEFAULT 0 CHECK (used >= 0),
    ceiling integer,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'full', 'suspended')),
    releasing boolean NOT NULL DEFAULT false,
    version bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (service, year),
    CHECK ((quota_limit IS NULL) = (ceiling IS NULL)),
    CHECK (ceiling >= quota_limit),
    CONSTRAINT no_grant_beyond_the_quota CHECK (used <= ceiling)
) WITH (fillfactor = 50);
COMMENT ON TABLE quotas IS 'New clients by year from 1 January, with a quota or without (E-52)';
COMMENT ON COLUMN quotas.ceiling IS 'What no grant may pass: the quota, or what was used already when it was set lower (E-52)';
COMMENT ON COLUMN quotas.status IS 'What was last published';
COMMENT ON COLUMN quotas.releasing IS 'Waiting applications are being granted: new clients queue up behind them (E-54)';

CREATE TABLE suspensions (
    source text NOT NULL,
    signal_id text NOT NULL,
    service text NOT NULL,
    effective_at timestamptz,
    lifted_at timestamptz,
    PRIMARY KEY (source, signal_id),
    CHECK (effective_at IS NOT NULL OR lifted_at IS NOT NULL)
);
CREATE INDEX suspensions_of_service ON suspensions (service);
CREATE FUNCTION deciding_is_stopped(of_service text, at timestamptz) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN EXISTS (
        SELECT FROM suspensions
        WHERE service = of_service AND effective_at <= at AND (lifted_at IS NULL OR lifted_at > at)
    );
COMMENT ON FUNCTION deciding_is_stopped IS 'A suspension from outside is in effect (E-54)';
COMMENT ON COLUMN suspensions.effective_at IS 'NULL: the lift came before its suspension';

-- Decisions --------------------------------------------------------------------------------------------------

CREATE TABLE decisions (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    decision_ref text NOT NULL UNIQUE,
    application_ref text NOT NULL UNIQUE,
    client_ref text NOT NULL,
    service text NOT NULL,
    contract_id text NOT NULL,
    provider_id text NOT NULL,
    language text NOT NULL CHECK (language IN ('fi', 'sv')),
    state text NOT NULL CHECK (state IN
        ('awaiting_quota', 'granted', 'rejected', 'withdrawn', 'revoked', 'annulled', 'expired', 'used')),
    applied_on date NOT NULL,
    decided_on date,
    confirm_by date,
    description_version integer,
    new_client boolean NOT NULL DEFAULT false,
    notice_received_on date,
    notice_channel text CHECK (notice_channel IN ('phone', 'letter', 'web', 'in_person')),
    version bigint NOT NULL DEFAULT 1,
    CHECK ((state IN ('awaiting_quota', 'withdrawn')) = (decided_on IS NULL)),
    CHECK (applied_on <= decided_on),
    CHECK (confirm_by >= decided_on),
    CHECK (NOT new_client OR state NOT IN ('awaiting_quota', 'withdrawn', 'rejected')),
    CONSTRAINT only_on_the_clients_own_notice
        CHECK (state NOT IN ('revoked', 'withdrawn') OR (notice_received_on IS NOT NULL AND notice_channel IS NOT NULL))
);
CREATE INDEX decisions_of_contract ON decisions (contract_id, number);
CREATE INDEX decisions_of_service_by_day ON decisions (service, decided_on);
CREATE INDEX decisions_waiting ON decisions (service, applied_on, number) WHERE state = 'awaiting_quota';
COMMENT ON COLUMN decisions.number IS 'The order of arrival; never shown';

CREATE TABLE first_grants (
    client_ref text NOT NULL,
    service text NOT NULL,
    decision_ref text NOT NULL,
    provider_id text NOT NULL,
    granted_on date NOT NULL,
    PRIMARY KEY (client_ref, service)
);
CREATE INDEX first_grants_of_service_by_day ON first_grants (service, granted_on);
COMMENT ON TABLE first_grants IS 'A new client is a client''s first grant in a service (E-8)';

-- Payments and client contacts -------------------------------------------------------------------------------

CREATE TABLE payments (
    decision_ref text NOT NULL,
    period_number integer NOT NULL CHECK (period_number > 0),
    course_id text NOT NULL,
    provider_id text NOT NULL,
    paid_on date NOT NULL,
    last boolean NOT NULL,
    PRIMARY KEY (decision_ref, period_number)
);

CREATE TABLE client_contacts (
    client_ref text PRIMARY KEY,
    sealed text NOT NULL,
    version bigint NOT NULL
);
COMMENT ON COLUMN client_contacts.sealed IS 'Encrypted under the client''s own key; unreadable once the key is erased';

-- The second wall: a provider sees its own rows, also where a query forgets to ask ----------------------------

DO $$
DECLARE
    provider_table text;
BEGIN
    FOREACH provider_table IN ARRAY ARRAY[
        'contracts', 'courses', 'pins', 'announced_counts', 'decisions', 'first_grants', 'payments'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', provider_table);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', provider_table);
        EXECUTE format(
            'CREATE POLICY provider_scope ON %I USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id))',
            provider_table
        );
    END LOOP;
END
$$;

-- No provider's: officers and systems only.
ALTER TABLE client_contacts ENABLE ROW LEVEL SECURITY;
ALTER TABLE client_contacts FORCE ROW LEVEL SECURITY;
CREATE POLICY kela_only ON client_contacts USING (rekku_may_see(NULL)) WITH CHECK (rekku_may_see(NULL));
