-- Clients between courses: what each attended where, every move with the client's consent, and clients
-- whom their provider cannot place.

-- `planned` NULL: all periods of the course. A period in neither list is one that nobody has spoken of yet.
ALTER TABLE pins
    ADD COLUMN planned integer[],
    ADD COLUMN attended integer[] NOT NULL DEFAULT '{}',
    ADD COLUMN missed integer[] NOT NULL DEFAULT '{}',
    ADD COLUMN moved_from text,
    ADD COLUMN moved_to text,
    ADD CONSTRAINT pins_moved_somewhere CHECK ((state = 'moved') = (moved_to IS NOT NULL)),
    ADD CONSTRAINT pins_moved_elsewhere CHECK (moved_from <> course_id AND moved_to <> course_id),
    ADD CONSTRAINT pins_attended_or_missed CHECK (NOT attended && missed),
    ADD CONSTRAINT pins_attended_as_planned CHECK (attended <@ planned AND missed <@ planned),
    ADD CONSTRAINT pins_planned_something CHECK (cardinality(planned) > 0),
    ADD FOREIGN KEY (moved_from, provider_id) REFERENCES courses (course_id, provider_id),
    ADD FOREIGN KEY (moved_to, provider_id) REFERENCES courses (course_id, provider_id);

-- Every move there ever was; Kela sets no limit to them (R-CRS-29). `left_version` is that of the pin that ended.
CREATE TABLE client_moves (
    decision_ref text NOT NULL,
    left_version bigint NOT NULL,
    provider_id text NOT NULL,
    from_course_id text NOT NULL,
    to_course_id text NOT NULL,
    consent_given_on date NOT NULL,
    consent_by text NOT NULL CHECK (consent_by IN ('client', 'guardian')),
    consent_channel text NOT NULL CHECK (consent_channel IN ('phone', 'letter', 'web', 'in_person')),
    reason text CHECK (length(reason) BETWEEN 1 AND 1000),
    moved_at timestamptz NOT NULL,
    moved_by text NOT NULL,
    PRIMARY KEY (decision_ref, left_version),
    FOREIGN KEY (decision_ref, left_version) REFERENCES pins (decision_ref, version),
    FOREIGN KEY (from_course_id, provider_id) REFERENCES courses (course_id, provider_id),
    FOREIGN KEY (to_course_id, provider_id) REFERENCES courses (course_id, provider_id),
    CONSTRAINT client_moves_elsewhere CHECK (from_course_id <> to_course_id),
    CONSTRAINT client_moves_consented_before CHECK (
        consent_given_on <= (moved_at AT TIME ZONE 'Europe/Helsinki')::date
    )
);

-- One report per decision while it is open: until its pin changes (R-CRS-16).
CREATE TABLE unplaced_clients (
    decision_ref text NOT NULL,
    pin_version bigint NOT NULL,
    provider_id text NOT NULL,
    report_id text NOT NULL UNIQUE REFERENCES reports,
    reason text NOT NULL CHECK (reason IN ('no_course_fits', 'cannot_create_course', 'cannot_add_target_group')),
    reported_at timestamptz NOT NULL,
    PRIMARY KEY (decision_ref, pin_version),
    FOREIGN KEY (decision_ref, provider_id) REFERENCES decisions (decision_ref, provider_id)
);

ALTER TABLE client_moves ENABLE ROW LEVEL SECURITY;
ALTER TABLE client_moves FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON client_moves USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

ALTER TABLE unplaced_clients ENABLE ROW LEVEL SECURITY;
ALTER TABLE unplaced_clients FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON unplaced_clients
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));
