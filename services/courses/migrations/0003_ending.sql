-- How courses end other than by being completed, late confirmation, and unfinished courses of the older system.

ALTER TABLE courses
    ADD COLUMN move_notice_days integer CHECK (move_notice_days >= 0),
    ADD COLUMN late_confirmed boolean NOT NULL DEFAULT false,
    ADD COLUMN override_reason text CHECK (length(override_reason) BETWEEN 1 AND 1000),
    ADD COLUMN holds_places boolean NOT NULL DEFAULT true,
    DROP CONSTRAINT courses_confirmed_with_enough,
    -- With fewer only after the first day, and only by an official who says why (E-40).
    ADD CONSTRAINT courses_confirmed_with_enough CHECK (
        confirmed_with >= coalesce(confirm_min, group_min, 1) OR (late_confirmed AND override_reason IS NOT NULL)
    ),
    ADD CONSTRAINT courses_late_confirmed_after_start CHECK (NOT late_confirmed OR confirmed_on >= first_day),
    ADD CONSTRAINT courses_over_without_pins CHECK (
        state NOT IN ('completed', 'deleted', 'cancelled') OR pinned = 0
    ),
    ADD CONSTRAINT courses_deleted_unconfirmed CHECK (state <> 'deleted' OR confirmed_on IS NULL),
    ADD CONSTRAINT courses_hold_places CHECK (
        CASE state WHEN 'deleted' THEN NOT holds_places WHEN 'cancelled' THEN true ELSE holds_places END
    );
CREATE INDEX courses_unconfirmed ON courses (first_day) WHERE state = 'published';

-- Courses that are there already keep what the description in force at their creation says (E-13).
-- Row-level security holds for the owner as well, so the migration says that it means every row.
SELECT set_config('rekku.scope', '*', true);
UPDATE courses SET move_notice_days = (described ->> 'move_notice_days')::integer
FROM service_descriptions, jsonb_array_elements(descriptions) AS described
WHERE service_descriptions.service = courses.service
    AND (described ->> 'description_version')::integer = courses.description_version;
SELECT set_config('rekku.scope', '', true);

-- The states' only ways (domain section 7): no unpublishing, no unconfirming, nothing that is over comes back.
CREATE FUNCTION refuse_way_of_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'course % cannot go from % to %', NEW.course_id, OLD.state, NEW.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'courses_follow_their_states';
END
$$;
CREATE TRIGGER courses_follow_their_states BEFORE UPDATE OF state ON courses
    FOR EACH ROW WHEN (
        NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
            ('created', 'published'), ('created', 'deleted'), ('published', 'confirmed'), ('published', 'running'),
            ('published', 'deleted'), ('confirmed', 'running'), ('confirmed', 'cancelled'), ('running', 'completed'),
            ('running', 'cancelled')
        )
    )
    EXECUTE FUNCTION refuse_way_of_state();

-- One row per course that ended other than by being completed; the words stay here and are in no event.
CREATE TABLE course_endings (
    course_id text PRIMARY KEY,
    provider_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('deleted', 'did_not_happen', 'cancelled')),
    late boolean NOT NULL,
    must_run_since date,
    reason text CHECK (length(reason) BETWEEN 1 AND 1000),
    ended_at timestamptz NOT NULL,
    ended_by text NOT NULL,
    FOREIGN KEY (course_id, provider_id) REFERENCES courses (course_id, provider_id),
    CONSTRAINT course_endings_say_why CHECK (
        reason IS NOT NULL OR (kind <> 'cancelled' AND NOT late AND must_run_since IS NULL)
    )
);

-- Courses begun in the older system and never finished (R-CRS-38, E-42): read-only, to be completed or deleted.
CREATE TABLE legacy_drafts (
    draft_id text PRIMARY KEY,
    version bigint NOT NULL,
    legacy_ref text NOT NULL,
    contract_id text NOT NULL,
    provider_id text NOT NULL,
    saved_on date NOT NULL,
    known jsonb NOT NULL CHECK (jsonb_typeof(known) = 'object'),
    state text NOT NULL CHECK (state IN ('unfinished', 'completed', 'deleted')),
    course_id text,
    imported_at timestamptz NOT NULL,
    imported_by text NOT NULL,
    ended_at timestamptz,
    UNIQUE (provider_id, legacy_ref),
    FOREIGN KEY (contract_id, provider_id) REFERENCES contracts (contract_id, provider_id),
    FOREIGN KEY (course_id, provider_id) REFERENCES courses (course_id, provider_id),
    CONSTRAINT legacy_drafts_completed_as_a_course CHECK ((state = 'completed') = (course_id IS NOT NULL)),
    CONSTRAINT legacy_drafts_end_once CHECK ((state = 'unfinished') = (ended_at IS NULL))
);
CREATE INDEX legacy_drafts_of_provider ON legacy_drafts (provider_id, draft_id);

ALTER TABLE course_endings ENABLE ROW LEVEL SECURITY;
ALTER TABLE course_endings FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON course_endings
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

ALTER TABLE legacy_drafts ENABLE ROW LEVEL SECURITY;
ALTER TABLE legacy_drafts FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON legacy_drafts
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));
