-- Kela's follow-up of clients without a confirmed course, what our copies say of planned periods, and providers' concerns.

SET LOCAL lock_timeout = '5s';

ALTER TABLE service_descriptions ADD COLUMN family_course boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN service_descriptions.family_course IS 'Notices and answers are the guardian''s (E-58)';

CREATE TABLE follow_ups (
    decision_ref text PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0),
    next_on date,
    contacted_on date,
    swap_wanted boolean NOT NULL
);
COMMENT ON TABLE follow_ups IS 'How the follow-up of a decision stands, from the first thing noted about it';
COMMENT ON COLUMN follow_ups.next_on IS 'The day agreed instead of the deadline, after the client chose to stay (E-65)';
COMMENT ON COLUMN follow_ups.contacted_on IS 'The last contact since the deadline or the last answer';

CREATE TABLE follow_up_entries (
    decision_ref text NOT NULL REFERENCES follow_ups,
    version bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('contacted', 'stays', 'swap_wanted', 'swap_ended')),
    happened_on date NOT NULL,
    channel text CHECK (channel IN ('phone', 'letter', 'web', 'in_person')),
    spoken_with text CHECK (spoken_with IN ('client', 'guardian')),
    next_on date,
    noted_at timestamptz NOT NULL,
    noted_by text NOT NULL,
    PRIMARY KEY (decision_ref, version),
    CHECK ((kind = 'swap_ended') = (channel IS NULL)),
    CHECK (kind NOT IN ('stays', 'swap_wanted') OR spoken_with IS NOT NULL),
    CHECK ((kind IN ('stays', 'swap_ended')) = (next_on IS NOT NULL))
);
COMMENT ON COLUMN follow_up_entries.spoken_with IS 'The client or the guardian (E-58); NULL: nobody was reached';

CREATE TABLE concerns (
    concern_id text PRIMARY KEY,
    decision_ref text NOT NULL,
    client_ref text NOT NULL,
    provider_id text NOT NULL,
    service text NOT NULL,
    reason text NOT NULL CHECK (reason IN ('appropriateness', 'timeliness', 'other')),
    sealed_words text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'in_discussion', 'closed')),
    filed_at timestamptz NOT NULL,
    filed_by text NOT NULL,
    discussed_on date,
    discussed_with text CHECK (discussed_with IN ('client', 'guardian')),
    outcome text CHECK (outcome IN ('continue', 'revoke', 'other_support')),
    closed_on date,
    closed_by text,
    version bigint NOT NULL,
    CHECK ((discussed_on IS NULL) = (discussed_with IS NULL)),
    CHECK ((outcome IS NULL) = (closed_on IS NULL) AND (outcome IS NULL) = (closed_by IS NULL)),
    CHECK ((state = 'closed') = (outcome IS NOT NULL)),
    CONSTRAINT no_outcome_before_the_client_was_heard CHECK (state = 'open' OR discussed_on IS NOT NULL)
);
CREATE UNIQUE INDEX one_pending_concern ON concerns (decision_ref) WHERE state <> 'closed';
COMMENT ON COLUMN concerns.sealed_words IS 'Encrypted under the client''s own key; unreadable once the key is erased';

-- The second wall ----------------------------------------------------------------------------------------------

ALTER TABLE concerns ENABLE ROW LEVEL SECURITY;
ALTER TABLE concerns FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON concerns USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

-- What Kela and its client talk about is no provider's business.
ALTER TABLE follow_ups ENABLE ROW LEVEL SECURITY;
ALTER TABLE follow_ups FORCE ROW LEVEL SECURITY;
CREATE POLICY kela_only ON follow_ups USING (rekku_may_see(NULL)) WITH CHECK (rekku_may_see(NULL));
ALTER TABLE follow_up_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE follow_up_entries FORCE ROW LEVEL SECURITY;
CREATE POLICY kela_only ON follow_up_entries USING (rekku_may_see(NULL)) WITH CHECK (rekku_may_see(NULL));
