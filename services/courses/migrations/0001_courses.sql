-- What the service owns (courses, place ledgers, pins) and its copies of what other services own.
-- Copies carry the version of the snapshot they were taken from: a newer version wins.

CREATE TABLE contracts (
    contract_id text PRIMARY KEY,
    version bigint NOT NULL,
    provider_id text NOT NULL,
    service text NOT NULL,
    language text NOT NULL CHECK (language IN ('fi', 'sv')),
    valid_from date NOT NULL,
    valid_to date,
    UNIQUE (contract_id, provider_id)
);

CREATE TABLE offices (
    office_id text PRIMARY KEY,
    version bigint NOT NULL,
    provider_id text NOT NULL,
    open boolean NOT NULL,
    UNIQUE (office_id, provider_id)
);

CREATE TABLE service_descriptions (
    service text PRIMARY KEY,
    version bigint NOT NULL,
    descriptions jsonb NOT NULL CHECK (jsonb_typeof(descriptions) = 'array')
);

-- Places of the courses of one contract and year against the announced count (R-CRS-2, E-1).
CREATE TABLE place_ledgers (
    contract_id text NOT NULL,
    year integer NOT NULL CHECK (year BETWEEN 2000 AND 2200),
    provider_id text NOT NULL,
    announced integer NOT NULL CHECK (announced >= 0),
    reserved integer NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    PRIMARY KEY (contract_id, year),
    FOREIGN KEY (contract_id, provider_id) REFERENCES contracts (contract_id, provider_id)
);

-- A trigger and not a CHECK: Kela may correct a count to below what is reserved, which takes
-- nothing away (E-3); only growing beyond the count is refused.
CREATE FUNCTION refuse_places_beyond_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'contract % has no room for % places in %', NEW.contract_id, NEW.reserved, NEW.year
        USING ERRCODE = 'check_violation', CONSTRAINT = 'place_ledgers_within_count';
END
$$;
CREATE TRIGGER place_ledgers_within_count BEFORE UPDATE ON place_ledgers
    FOR EACH ROW WHEN (NEW.reserved > OLD.reserved AND NEW.reserved > NEW.announced)
    EXECUTE FUNCTION refuse_places_beyond_count();

-- Periods live on the course's row, so a locked course is read with the periods it has now.
CREATE FUNCTION periods_in_order(periods jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(bool_and(first_day <= last_day AND (previous IS NULL OR first_day > previous)), false)
    FROM (
        SELECT period ->> 'first_day' AS first_day,
               period ->> 'last_day' AS last_day,
               lag(period ->> 'last_day') OVER (ORDER BY place) AS previous
        FROM jsonb_array_elements(periods) WITH ORDINALITY AS listed (period, place)
    ) AS days
$$;

CREATE TABLE courses (
    course_id text PRIMARY KEY,
    course_number integer GENERATED ALWAYS AS IDENTITY (START WITH 1001) UNIQUE,
    version bigint NOT NULL,
    contract_id text NOT NULL,
    provider_id text NOT NULL,
    office_id text NOT NULL,
    service text NOT NULL,
    language text NOT NULL CHECK (language IN ('fi', 'sv')),
    state text NOT NULL CHECK (
        state IN ('created', 'published', 'confirmed', 'running', 'completed', 'deleted', 'cancelled')
    ),
    year integer NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL CHECK (last_day >= first_day),
    periods jsonb NOT NULL,
    group_size integer NOT NULL CHECK (group_size > 0),
    pinned integer NOT NULL DEFAULT 0 CHECK (pinned >= 0),
    occupied integer NOT NULL DEFAULT 0,
    target_groups text[] NOT NULL,
    age_group text,
    min_age integer,
    max_age integer,
    description_version integer NOT NULL,
    group_min integer,
    group_max integer,
    confirm_min integer,
    must_run_at integer,
    must_run_since date,
    confirmed_on date,
    confirmed_with integer,
    created_at timestamptz NOT NULL,
    UNIQUE (course_id, provider_id),
    FOREIGN KEY (contract_id, provider_id) REFERENCES contracts (contract_id, provider_id),
    FOREIGN KEY (office_id, provider_id) REFERENCES offices (office_id, provider_id),
    CONSTRAINT courses_year_of_first_day CHECK (year = extract(year FROM first_day)),
    CONSTRAINT courses_group_size_in_range CHECK (group_size >= group_min AND group_size <= group_max),
    CONSTRAINT courses_places_fit CHECK (occupied <= group_size),
    CONSTRAINT courses_pins_occupy CHECK (pinned <= occupied),
    CONSTRAINT courses_periods_in_order CHECK (periods_in_order(periods)),
    CONSTRAINT courses_confirmed_with_enough CHECK (confirmed_with >= coalesce(confirm_min, group_min, 1)),
    CONSTRAINT courses_confirmed_on_known CHECK (
        state NOT IN ('confirmed', 'running', 'completed')
        OR (confirmed_on IS NOT NULL AND confirmed_with IS NOT NULL)
    )
);
CREATE INDEX courses_of_contract ON courses (contract_id, year);
CREATE INDEX courses_of_provider ON courses (provider_id, course_id);

-- `pinned_to` and `pin_version` are ours, not copied: every change of a decision's pin happens under
-- this row's lock. No constraint ties `pinned_to` to the state: a revocation is merged before its pin goes.
CREATE TABLE decisions (
    decision_ref text PRIMARY KEY,
    version bigint NOT NULL,
    provider_id text NOT NULL,
    service text NOT NULL,
    state text NOT NULL CHECK (
        state IN (
            'pending', 'awaiting_quota', 'granted', 'rejected', 'withdrawn', 'revoked', 'annulled', 'expired', 'used'
        )
    ),
    confirm_by date,
    pinned_to text REFERENCES courses,
    pin_version bigint NOT NULL DEFAULT 0,
    UNIQUE (decision_ref, provider_id)
);
CREATE INDEX decisions_by_urgency ON decisions (provider_id, coalesce(confirm_by, '9999-12-31'), decision_ref);

-- Every pin there ever was (R-CRS-29).
CREATE TABLE pins (
    pin_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    decision_ref text NOT NULL,
    version bigint NOT NULL,
    course_id text NOT NULL,
    provider_id text NOT NULL,
    office_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'released', 'moved', 'fulfilled', 'interrupted')),
    reason text CHECK (
        reason IN (
            'provider', 'decision_revoked', 'decision_annulled', 'provider_changed',
            'course_deleted', 'course_cancelled', 'did_not_happen'
        )
    ),
    occupies_place boolean NOT NULL,
    pinned_at timestamptz NOT NULL,
    ended_at timestamptz,
    UNIQUE (decision_ref, version),
    FOREIGN KEY (decision_ref, provider_id) REFERENCES decisions (decision_ref, provider_id),
    FOREIGN KEY (course_id, provider_id) REFERENCES courses (course_id, provider_id),
    CONSTRAINT pins_active_until_ended CHECK ((state = 'active') = (ended_at IS NULL)),
    CONSTRAINT pins_active_occupy CHECK (state <> 'active' OR occupies_place),
    CONSTRAINT pins_released_for_a_reason CHECK ((state = 'released') = (reason IS NOT NULL))
);
CREATE UNIQUE INDEX pins_one_active_per_decision ON pins (decision_ref) WHERE state = 'active';
CREATE INDEX pins_of_course ON pins (course_id);

ALTER TABLE contracts ENABLE ROW LEVEL SECURITY;
ALTER TABLE contracts FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON contracts USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

ALTER TABLE offices ENABLE ROW LEVEL SECURITY;
ALTER TABLE offices FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON offices USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

ALTER TABLE place_ledgers ENABLE ROW LEVEL SECURITY;
ALTER TABLE place_ledgers FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON place_ledgers USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

ALTER TABLE courses ENABLE ROW LEVEL SECURITY;
ALTER TABLE courses FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON courses USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

ALTER TABLE decisions ENABLE ROW LEVEL SECURITY;
ALTER TABLE decisions FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON decisions USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

ALTER TABLE pins ENABLE ROW LEVEL SECURITY;
ALTER TABLE pins FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON pins USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));
