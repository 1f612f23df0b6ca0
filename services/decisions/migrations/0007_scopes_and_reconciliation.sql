-- Quotas and estimates of an area or a language beside the national one (E-55), where providers' offices are,
-- and the differences that reconciliation finds. An older process knows no scopes: set the first one only when
-- every process is new.

SET LOCAL lock_timeout = '5s';

-- Scopes, locked behind the national row of their service and year --------------------------------------------

ALTER TABLE quotas ADD COLUMN scopes integer NOT NULL DEFAULT 0 CHECK (scopes >= 0);
COMMENT ON COLUMN quotas.scopes IS 'How many narrower counters there are; a grant that saw another number takes nothing';

CREATE TABLE scoped_quotas (
    service text NOT NULL,
    year integer NOT NULL,
    area text NOT NULL CHECK (area = '' OR area ~ '^[0-9]{2}$'),
    language text NOT NULL CHECK (language IN ('', 'fi', 'sv')),
    estimate integer CHECK (estimate >= 0),
    quota_limit integer CHECK (quota_limit >= 0),
    used integer NOT NULL CHECK (used >= 0),
    ceiling integer,
    filled boolean NOT NULL DEFAULT false,
    version bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (service, year, area, language),
    FOREIGN KEY (service, year) REFERENCES quotas,
    CHECK (area <> '' OR language <> ''),
    CHECK ((quota_limit IS NULL) = (ceiling IS NULL)),
    CHECK (ceiling >= quota_limit),
    CONSTRAINT no_grant_beyond_the_scoped_quota CHECK (used <= ceiling)
) WITH (fillfactor = 50);
COMMENT ON TABLE scoped_quotas IS 'New clients of an area, a language or both, counted from 1 January like the national ones';
COMMENT ON COLUMN scoped_quotas.area IS 'Wellbeing services county; empty: the whole country';
COMMENT ON COLUMN scoped_quotas.language IS 'Empty: every language';
COMMENT ON COLUMN scoped_quotas.ceiling IS 'What no grant may pass: the quota, or what was used already when it was set lower (E-52)';
COMMENT ON COLUMN scoped_quotas.filled IS 'What was last published';

ALTER TABLE decisions ADD COLUMN area text CHECK (area ~ '^[0-9]{2}$');
COMMENT ON COLUMN decisions.area IS 'Of the client''s municipality when the application was decided; NULL: not told';

-- Where providers are, and for which ages their open courses are: for naming others that have room -------------

CREATE TABLE offices (
    office_id text PRIMARY KEY,
    version bigint NOT NULL,
    provider_id text NOT NULL,
    municipality_code text NOT NULL,
    open boolean NOT NULL
);

CREATE TABLE offerings (
    registration_id text PRIMARY KEY,
    version bigint NOT NULL,
    provider_id text NOT NULL,
    office_id text NOT NULL,
    contract_id text,
    state text NOT NULL
);
CREATE INDEX offerings_of_contract ON offerings (contract_id);

CREATE TABLE course_ages (
    course_id text PRIMARY KEY,
    version bigint NOT NULL,
    provider_id text NOT NULL,
    contract_id text NOT NULL,
    bookable boolean NOT NULL,
    min_age integer,
    max_age integer
);
CREATE INDEX course_ages_of_contract ON course_ages (contract_id) WHERE bookable;

-- Reconciliation ---------------------------------------------------------------------------------------------

CREATE TABLE differences (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN
        ('announced_count', 'quota', 'scoped_quota', 'first_grants', 'pin_of_no_grant', 'used_without_course')),
    subject text NOT NULL,
    shown integer NOT NULL,
    expected integer NOT NULL,
    state text NOT NULL CHECK (state IN ('suspected', 'open', 'repaired', 'gone')),
    found_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    settled_at timestamptz,
    CHECK ((state IN ('repaired', 'gone')) = (settled_at IS NOT NULL))
);
CREATE UNIQUE INDEX one_difference_per_subject ON differences (kind, subject) WHERE settled_at IS NULL;
COMMENT ON TABLE differences IS 'Where a counter or a copy is not what the decisions say';
COMMENT ON COLUMN differences.shown IS 'What the counter said, or 1 where something is there that should not be';

CREATE FUNCTION is_in_year(day date, year integer) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN day BETWEEN make_date(year, 1, 1) AND make_date(year, 12, 31);

CREATE INDEX pins_active ON pins (decision_ref) WHERE state = 'active';

DO $$
DECLARE
    provider_table text;
BEGIN
    FOREACH provider_table IN ARRAY ARRAY['offices', 'offerings', 'course_ages'] LOOP
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
ALTER TABLE differences ENABLE ROW LEVEL SECURITY;
ALTER TABLE differences FORCE ROW LEVEL SECURITY;
CREATE POLICY kela_only ON differences USING (rekku_may_see(NULL)) WITH CHECK (rekku_may_see(NULL));
