-- Changing a course that exists: contact details linked until overridden (E-43), courses for all ages
-- (E-47), moved dates with their consents and history (R-CRS-32, E-35, E-37).

ALTER TABLE contracts
    ADD COLUMN contact_email text,
    ADD COLUMN contact_phone text,
    ADD COLUMN contact_web text,
    ADD CONSTRAINT contracts_contact_whole CHECK (
        (contact_email IS NULL) = (contact_phone IS NULL) AND (contact_web IS NULL OR contact_email IS NOT NULL)
    );

-- No contact of its own means: shown with the contract's.
ALTER TABLE courses
    ADD COLUMN contact_email text,
    ADD COLUMN contact_phone text,
    ADD COLUMN contact_web text,
    ADD COLUMN mixed_age boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT courses_contact_whole CHECK (
        (contact_email IS NULL) = (contact_phone IS NULL) AND (contact_web IS NULL OR contact_email IS NOT NULL)
    ),
    ADD CONSTRAINT courses_mixed_are_for_no_one_age CHECK (NOT mixed_age OR age_group IS NULL);

-- The periods that confirming commits to: the first face-to-face one and every online one (R-CRS-17).
CREATE FUNCTION committed_periods(periods jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_agg(period ORDER BY place)
    FROM (
        SELECT period, place, period ->> 'mode' AS mode,
               row_number() OVER (PARTITION BY period ->> 'mode' ORDER BY place) AS nth
        FROM jsonb_array_elements(periods) WITH ORDINALITY AS listed (period, place)
    ) AS numbered
    WHERE mode = 'online' OR (mode = 'face_to_face' AND nth = 1)
$$;
CREATE FUNCTION refuse_breaking_commitment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'course % is committed to what it was confirmed with', NEW.course_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'courses_keep_commitment';
END
$$;
CREATE TRIGGER courses_keep_commitment BEFORE UPDATE OF group_size, target_groups, mixed_age, periods ON courses
    FOR EACH ROW WHEN (
        OLD.state IN ('confirmed', 'running', 'completed')
        AND (
            NEW.group_size < OLD.group_size
            OR NEW.target_groups <> OLD.target_groups
            OR NEW.mixed_age <> OLD.mixed_age
            OR committed_periods(NEW.periods) IS DISTINCT FROM committed_periods(OLD.periods)
        )
    )
    EXECUTE FUNCTION refuse_breaking_commitment();

-- Every move of a course's dates: what they were and what they became. `version` is the course's after it.
CREATE TABLE reschedulings (
    course_id text NOT NULL,
    version bigint NOT NULL,
    provider_id text NOT NULL,
    periods_before jsonb NOT NULL CHECK (periods_in_order(periods_before)),
    periods_after jsonb NOT NULL CHECK (periods_in_order(periods_after)),
    late boolean NOT NULL,
    moved_at timestamptz NOT NULL,
    moved_by text NOT NULL,
    PRIMARY KEY (course_id, version),
    UNIQUE (course_id, version, provider_id),
    FOREIGN KEY (course_id, provider_id) REFERENCES courses (course_id, provider_id),
    CONSTRAINT reschedulings_change_something CHECK (periods_before <> periods_after)
);

-- That the new dates suit: one consent for every client pinned at the move (R-CRS-34), perhaps a guardian's (E-58).
CREATE TABLE schedule_consents (
    course_id text NOT NULL,
    version bigint NOT NULL,
    decision_ref text NOT NULL,
    provider_id text NOT NULL,
    given_on date NOT NULL,
    given_by text NOT NULL CHECK (given_by IN ('client', 'guardian')),
    channel text NOT NULL CHECK (channel IN ('phone', 'letter', 'web', 'in_person')),
    PRIMARY KEY (course_id, version, decision_ref),
    FOREIGN KEY (course_id, version, provider_id) REFERENCES reschedulings (course_id, version, provider_id),
    FOREIGN KEY (decision_ref, provider_id) REFERENCES decisions (decision_ref, provider_id)
);

-- A client was told that a course mixes ages and that they may change provider, and has acknowledged it (E-47).
CREATE TABLE age_notices (
    course_id text NOT NULL,
    decision_ref text NOT NULL,
    provider_id text NOT NULL,
    given_on date NOT NULL,
    given_by text NOT NULL CHECK (given_by IN ('client', 'guardian')),
    channel text NOT NULL CHECK (channel IN ('phone', 'letter', 'web', 'in_person')),
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    PRIMARY KEY (course_id, decision_ref),
    FOREIGN KEY (course_id, provider_id) REFERENCES courses (course_id, provider_id),
    FOREIGN KEY (decision_ref, provider_id) REFERENCES decisions (decision_ref, provider_id)
);

-- A trigger and not a CHECK, as it looks at other tables; pins of a course only change under its row's lock.
CREATE FUNCTION refuse_confirming_without_notices() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM pins LEFT JOIN age_notices USING (course_id, decision_ref)
        WHERE pins.course_id = NEW.course_id AND pins.state = 'active' AND age_notices.course_id IS NULL
    ) THEN
        RAISE EXCEPTION 'not every client of course % knows that it mixes ages', NEW.course_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'courses_mixed_are_known';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER courses_mixed_are_known BEFORE UPDATE OF state ON courses
    FOR EACH ROW WHEN (NEW.mixed_age AND OLD.state = 'published' AND NEW.state IN ('confirmed', 'running'))
    EXECUTE FUNCTION refuse_confirming_without_notices();

ALTER TABLE reschedulings ENABLE ROW LEVEL SECURITY;
ALTER TABLE reschedulings FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON reschedulings USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

ALTER TABLE schedule_consents ENABLE ROW LEVEL SECURITY;
ALTER TABLE schedule_consents FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON schedule_consents
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

ALTER TABLE age_notices ENABLE ROW LEVEL SECURITY;
ALTER TABLE age_notices FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON age_notices USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));
