-- Copies of what others own, messages, survey invitations and answers.

-- Copies. `version` 0 is a stub: somebody spoke of it before it arrived itself.

CREATE TABLE contracts (
    contract_id text PRIMARY KEY,
    version bigint NOT NULL,
    provider_id text NOT NULL,
    service text NOT NULL,
    language text NOT NULL CHECK (language IN ('fi', 'sv')),
    valid_from date NOT NULL,
    valid_to date
);
CREATE INDEX contracts_by_service ON contracts (service);

CREATE TABLE services (
    service text PRIMARY KEY,
    version bigint NOT NULL,
    names jsonb NOT NULL
);

CREATE TABLE decisions (
    decision_ref text PRIMARY KEY,
    version bigint NOT NULL,
    client_ref text,
    provider_id text,
    service text,
    language text CHECK (language IN ('fi', 'sv')),
    state text CHECK (state IN ('pending', 'awaiting_quota', 'granted', 'rejected', 'withdrawn', 'revoked',
                                'annulled', 'expired', 'used')),
    CHECK (version = 0 OR num_nulls(client_ref, provider_id, service, language, state) = 0)
);

CREATE TABLE courses (
    course_id text PRIMARY KEY,
    version bigint NOT NULL,
    course_number bigint,
    provider_id text,
    state text CHECK (state IN ('created', 'published', 'confirmed', 'running', 'completed', 'deleted', 'cancelled')),
    CHECK (version = 0 OR num_nulls(course_number, provider_id, state) = 0)
);

CREATE TABLE pins (
    decision_ref text PRIMARY KEY,
    version bigint NOT NULL,
    course_id text NOT NULL REFERENCES courses,
    provider_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'released', 'moved', 'fulfilled', 'interrupted')),
    reason text,
    occupies_place boolean NOT NULL
);
CREATE INDEX pins_active_by_course ON pins (course_id) WHERE state = 'active';

CREATE TABLE client_contacts (
    client_ref text PRIMARY KEY,
    version bigint NOT NULL,
    sealed text NOT NULL
);
COMMENT ON COLUMN client_contacts.sealed IS 'under the client''s own key; opened only at the moment of sending';

CREATE TABLE count_uses (
    contract_id text NOT NULL,
    year integer NOT NULL,
    version bigint NOT NULL,
    announced integer NOT NULL,
    used integer NOT NULL,
    PRIMARY KEY (contract_id, year)
);

CREATE TABLE quotas (
    service text NOT NULL,
    year integer NOT NULL,
    version bigint NOT NULL,
    quota_limit integer,
    stopped boolean NOT NULL,
    limit_version bigint,
    stopped_version bigint,
    PRIMARY KEY (service, year),
    CHECK ((quota_limit IS NULL) = (limit_version IS NULL)),
    CHECK (stopped = (stopped_version IS NOT NULL))
);
COMMENT ON COLUMN quotas.limit_version IS 'since which version this limit is in use; names the occasion it is told of';

-- Messages. `occasion` is what the message is about: whatever is delivered twice, it is told once.

CREATE TABLE messages (
    message_id text PRIMARY KEY,
    occasion text NOT NULL UNIQUE,
    template text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('sms', 'provider_inbox')),
    state text NOT NULL CHECK (state IN ('waiting', 'sent', 'cancelled', 'undeliverable')),
    decision_ref text,
    provider_id text,
    language text CHECK (language IN ('fi', 'sv')),
    figures jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    sent_at timestamptz,
    claimed_by text,
    claimed_until timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    problem text,
    CHECK (channel <> 'sms' OR (decision_ref IS NOT NULL AND provider_id IS NULL)),
    CHECK (channel <> 'provider_inbox' OR (provider_id IS NOT NULL AND state = 'sent')),
    CHECK ((state = 'sent') = (sent_at IS NOT NULL)),
    CHECK ((state = 'undeliverable') = (problem IS NOT NULL)),
    CHECK ((claimed_by IS NULL) = (claimed_until IS NULL))
);
CREATE INDEX messages_waiting ON messages (message_id) WHERE state = 'waiting';
CREATE INDEX messages_of_decision ON messages (decision_ref) WHERE state = 'waiting';
CREATE INDEX messages_of_provider ON messages (provider_id, message_id) WHERE provider_id IS NOT NULL;
COMMENT ON COLUMN messages.claimed_until IS 'real time; set at the first claim and never cleared: a claimed message may have left';

-- Feedback. A survey's token is derived when its message is sent; only its hash is kept. The only link between a survey and a decision is invitations.survey_id; it is deleted
-- when the answer is stored (E-30): what remains says that the client was asked, not what it said.

CREATE TABLE surveys (
    survey_id text PRIMARY KEY,
    token_hash bytea UNIQUE,
    state text NOT NULL CHECK (state IN ('open', 'answered', 'cancelled')),
    office_id text,
    service text,
    CHECK (num_nulls(office_id, service) = CASE state WHEN 'answered' THEN 2 ELSE 0 END)
);

CREATE TABLE invitations (
    decision_ref text NOT NULL,
    period_number integer NOT NULL CHECK (period_number >= 1),
    survey_id text UNIQUE REFERENCES surveys,
    message_id text NOT NULL UNIQUE REFERENCES messages,
    PRIMARY KEY (decision_ref, period_number)
);

CREATE TABLE invitation_stages (
    decision_ref text NOT NULL,
    stage text NOT NULL CHECK (stage IN ('second', 'last')),
    period_number integer NOT NULL,
    PRIMARY KEY (decision_ref, stage),
    FOREIGN KEY (decision_ref, period_number) REFERENCES invitations
);

CREATE TABLE answers (
    answer_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    office_id text NOT NULL,
    service text NOT NULL,
    answered_in date NOT NULL CHECK (extract(day FROM answered_in) = 1),
    scores jsonb NOT NULL
);
COMMENT ON TABLE answers IS 'raw, 1 = fully agree (E-27); a random key and the month only, so that no row leads to a client';

CREATE TABLE feedback_totals (
    office_id text NOT NULL,
    service text NOT NULL,
    answers integer NOT NULL CHECK (answers >= 0),
    sum_units bigint NOT NULL,
    published_at integer NOT NULL DEFAULT 0,
    average numeric(2, 1) CHECK (average BETWEEN 1 AND 5),
    version bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (office_id, service),
    CHECK (published_at <= answers AND (published_at = 0 OR published_at >= 5)),
    CHECK ((published_at = 0) = (average IS NULL))
);
COMMENT ON COLUMN feedback_totals.published_at IS 'how many answers there were at the last publication, 0 for never';

-- The second wall: a provider sees its own inbox; messages to clients belong to no provider.

ALTER TABLE contracts ENABLE ROW LEVEL SECURITY;
ALTER TABLE contracts FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON contracts USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

ALTER TABLE decisions ENABLE ROW LEVEL SECURITY;
ALTER TABLE decisions FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON decisions USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

ALTER TABLE courses ENABLE ROW LEVEL SECURITY;
ALTER TABLE courses FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON courses USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

ALTER TABLE pins ENABLE ROW LEVEL SECURITY;
ALTER TABLE pins FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON pins USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

ALTER TABLE messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE messages FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON messages USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));
