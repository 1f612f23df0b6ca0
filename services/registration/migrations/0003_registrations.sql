-- The registration of an office for a service, the changes that need Kela's approval, and what the
-- provider changes alone.

ALTER TABLE offices
    ADD COLUMN email text CHECK (length(email) <= 254),
    ADD COLUMN web text CHECK (length(web) <= 300),
    ADD CONSTRAINT offices_of_provider_key UNIQUE (office_id, provider_id);

-- Subcontractors and members stay in their registration's row: they are read and replaced as a whole,
-- and the answer to the question about subcontracting is checked against them.
CREATE TABLE registrations (
    registration_id text PRIMARY KEY,
    provider_id text NOT NULL REFERENCES providers,
    office_id text NOT NULL,
    service text NOT NULL REFERENCES services,
    language text NOT NULL CHECK (language IN ('fi', 'sv')),
    state text NOT NULL
        CHECK (state IN ('draft', 'submitted', 'approved', 'contract_registered', 'rejected', 'ended')),
    subcontracting boolean,
    subcontractors jsonb NOT NULL,
    consortium jsonb NOT NULL,
    conditions_accepted boolean NOT NULL,
    decision_delivery text NOT NULL CHECK (decision_delivery IN ('electronic', 'post')),
    contract_id text,
    ends_on date,
    version integer NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL,
    UNIQUE (registration_id, provider_id),
    FOREIGN KEY (office_id, provider_id) REFERENCES offices (office_id, provider_id),
    FOREIGN KEY (contract_id, provider_id) REFERENCES contracts (contract_id, provider_id),
    CONSTRAINT registrations_answer_yes_or_no CHECK (state = 'draft' OR subcontracting IS NOT NULL),
    CONSTRAINT registrations_yes_names_somebody
        CHECK (state = 'draft' OR NOT subcontracting OR jsonb_array_length(subcontractors) > 0),
    CONSTRAINT registrations_no_names_nobody
        CHECK (state = 'draft' OR subcontracting OR jsonb_array_length(subcontractors) = 0),
    CONSTRAINT registrations_accept_the_conditions CHECK (state = 'draft' OR conditions_accepted),
    CONSTRAINT registrations_name_business_ids CHECK (
        NOT jsonb_path_exists(
            subcontractors || consortium, '$[*] ? (!(@.business_id like_regex "^[0-9]{7}-[0-9]$"))'
        )
    ),
    CONSTRAINT registrations_under_contract
        CHECK ((state IN ('contract_registered', 'ended')) = (contract_id IS NOT NULL)),
    CONSTRAINT registrations_end_once_begun
        CHECK (ends_on IS NULL OR state IN ('contract_registered', 'ended')),
    CONSTRAINT registrations_ended_have_a_last_day CHECK (state <> 'ended' OR ends_on IS NOT NULL)
);
CREATE UNIQUE INDEX registrations_one_open ON registrations (office_id, service, language)
    WHERE state NOT IN ('rejected', 'ended');
CREATE INDEX registrations_by_state ON registrations (state, registration_id);
CREATE INDEX registrations_of_provider ON registrations (provider_id, registration_id);
CREATE INDEX registrations_of_contract ON registrations (contract_id) WHERE contract_id IS NOT NULL;

-- Kela's decisions with their reasons: one about the application, one about the end.
CREATE TABLE registration_decisions (
    registration_id text NOT NULL,
    provider_id text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('approved', 'rejected', 'ended')),
    reason_code text NOT NULL CHECK (reason_code ~ '^[a-z_]{1,40}$'),
    reason_text text NOT NULL CHECK (length(reason_text) BETWEEN 1 AND 2000),
    decided_at timestamptz NOT NULL,
    decided_by text NOT NULL,
    PRIMARY KEY (registration_id, outcome),
    FOREIGN KEY (registration_id, provider_id) REFERENCES registrations (registration_id, provider_id)
);
CREATE UNIQUE INDEX registration_decisions_decided_once ON registration_decisions (registration_id)
    WHERE outcome <> 'ended';

-- `contradicts` names what no second request may be about while this one is open or still to take effect.
CREATE TABLE change_requests (
    request_id text PRIMARY KEY,
    provider_id text NOT NULL REFERENCES providers,
    kind text NOT NULL CHECK (
        kind IN (
            'subcontractor_added', 'subcontractor_removed', 'consortium_changed', 'visiting_address_changed',
            'premises_changed', 'company_form_changed', 'merger_or_sale', 'staff_changed'
        )
    ),
    registration_id text,
    office_id text,
    detail jsonb NOT NULL,
    explanation text CHECK (length(explanation) BETWEEN 1 AND 2000),
    effective_from date NOT NULL,
    contradicts text,
    state text NOT NULL CHECK (state IN ('submitted', 'approved', 'rejected', 'withdrawn')),
    applied_at timestamptz,
    version integer NOT NULL CHECK (version > 0),
    submitted_at timestamptz NOT NULL,
    submitted_by text NOT NULL,
    UNIQUE (request_id, provider_id),
    FOREIGN KEY (registration_id, provider_id) REFERENCES registrations (registration_id, provider_id),
    FOREIGN KEY (office_id, provider_id) REFERENCES offices (office_id, provider_id),
    CONSTRAINT change_requests_have_their_subject CHECK (
        CASE
            WHEN kind IN ('subcontractor_added', 'subcontractor_removed', 'consortium_changed')
                THEN registration_id IS NOT NULL AND office_id IS NULL
            WHEN kind IN ('visiting_address_changed', 'premises_changed', 'staff_changed')
                THEN registration_id IS NULL AND office_id IS NOT NULL
            ELSE registration_id IS NULL AND office_id IS NULL
        END
    ),
    CONSTRAINT change_requests_take_effect_when_approved CHECK (applied_at IS NULL OR state = 'approved')
);
CREATE UNIQUE INDEX change_requests_do_not_contradict ON change_requests (contradicts)
    WHERE state = 'submitted' OR (state = 'approved' AND applied_at IS NULL);
CREATE INDEX change_requests_by_state ON change_requests (state, request_id);
CREATE INDEX change_requests_of_provider ON change_requests (provider_id, request_id);

-- How a request ended; the key lets it end once, whoever decides or withdraws it.
CREATE TABLE change_outcomes (
    request_id text PRIMARY KEY,
    provider_id text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('approved', 'rejected', 'withdrawn')),
    reason_code text CHECK (reason_code ~ '^[a-z_]{1,40}$'),
    reason_text text CHECK (length(reason_text) BETWEEN 1 AND 2000),
    decided_at timestamptz NOT NULL,
    decided_by text NOT NULL,
    FOREIGN KEY (request_id, provider_id) REFERENCES change_requests (request_id, provider_id),
    CONSTRAINT change_outcomes_say_why
        CHECK ((outcome = 'withdrawn') = (reason_code IS NULL) AND (outcome = 'withdrawn') = (reason_text IS NULL))
);

-- What only Kela's contract management and the provider see of a contract.
CREATE TABLE contract_administration (
    contract_id text PRIMARY KEY,
    provider_id text NOT NULL,
    contact_language text CHECK (contact_language IN ('fi', 'sv')),
    responsible_email text CHECK (length(responsible_email) <= 254),
    responsible_phone text CHECK (responsible_phone ~ '^\+[1-9][0-9]{3,14}$'),
    version integer NOT NULL CHECK (version > 0),
    FOREIGN KEY (contract_id, provider_id) REFERENCES contracts (contract_id, provider_id),
    CHECK ((contact_language IS NULL) = (responsible_email IS NULL)),
    CHECK (responsible_phone IS NULL OR responsible_email IS NOT NULL)
);

CREATE TABLE billers (
    contract_id text NOT NULL,
    provider_id text NOT NULL,
    effective_from date NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    business_id text NOT NULL CHECK (business_id ~ '^[0-9]{7}-[0-9]$'),
    PRIMARY KEY (contract_id, effective_from),
    FOREIGN KEY (contract_id, provider_id) REFERENCES contracts (contract_id, provider_id)
);

ALTER TABLE registrations ENABLE ROW LEVEL SECURITY;
ALTER TABLE registrations FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON registrations
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

ALTER TABLE registration_decisions ENABLE ROW LEVEL SECURITY;
ALTER TABLE registration_decisions FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON registration_decisions
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

ALTER TABLE change_requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE change_requests FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON change_requests
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

ALTER TABLE change_outcomes ENABLE ROW LEVEL SECURITY;
ALTER TABLE change_outcomes FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON change_outcomes
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

ALTER TABLE contract_administration ENABLE ROW LEVEL SECURITY;
ALTER TABLE contract_administration FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON contract_administration
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

ALTER TABLE billers ENABLE ROW LEVEL SECURITY;
ALTER TABLE billers FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON billers
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));
