-- Decisions in all their states: how long one is valid, why it was annulled, whose notice ended it, and in
-- favour of which other provider; which reasoning says why. Columns only get added, and an older process may
-- go on writing rows without them.

SET LOCAL lock_timeout = '5s';

ALTER TABLE decisions
    ADD COLUMN valid_to date,
    ADD COLUMN notice_given_by text CHECK (notice_given_by IN ('client', 'guardian')),
    ADD COLUMN annulment_reason text
        CHECK (annulment_reason IN ('wrong_client', 'wrong_provider', 'wrong_service', 'decided_twice', 'not_decided')),
    ADD COLUMN provider_changed boolean NOT NULL DEFAULT false,
    ADD COLUMN replaces text,
    ADD COLUMN reasoning_code text,
    ADD COLUMN reasoning_version integer,
    ADD COLUMN revocation_reasoning_code text,
    ADD COLUMN revocation_reasoning_version integer,
    ADD CONSTRAINT valid_on_its_first_day CHECK (valid_to >= decided_on),
    ADD CONSTRAINT annulled_for_a_typed_reason CHECK ((state = 'annulled') = (annulment_reason IS NOT NULL)),
    ADD CONSTRAINT an_annulled_decision_counts_nowhere CHECK (state <> 'annulled' OR NOT new_client),
    ADD CONSTRAINT provider_changed_by_a_revocation CHECK (NOT provider_changed OR state = 'revoked'),
    ADD CONSTRAINT reasoning_with_its_version CHECK ((reasoning_code IS NULL) = (reasoning_version IS NULL)),
    ADD CONSTRAINT revocation_reasoning_with_its_version
        CHECK ((revocation_reasoning_code IS NULL) = (revocation_reasoning_version IS NULL));
COMMENT ON COLUMN decisions.valid_to IS 'The last day of validity; NULL: none was set, so it does not expire';
COMMENT ON COLUMN decisions.notice_given_by IS 'E-58; NULL: taken before it was asked, the client''s own';
COMMENT ON COLUMN decisions.replaces IS 'The decision its client had for another provider (E-65)';

-- What was decided in error can be decided anew; every other application is decided once.
ALTER TABLE decisions DROP CONSTRAINT decisions_application_ref_key;
CREATE UNIQUE INDEX one_decision_per_application ON decisions (application_ref) WHERE state <> 'annulled';

CREATE UNIQUE INDEX one_replacement_per_decision ON decisions (replaces)
    WHERE replaces IS NOT NULL AND state <> 'annulled';
CREATE INDEX decisions_of_client ON decisions (client_ref, service);
CREATE INDEX decisions_in_force ON decisions (number) WHERE state = 'granted';
CREATE INDEX decisions_expired ON decisions (valid_to) WHERE state = 'expired';
