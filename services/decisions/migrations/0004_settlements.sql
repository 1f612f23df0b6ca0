-- Settlements, price annexes and billing forms; and of courses and pins what a settlement needs.

SET LOCAL lock_timeout = '5s';

-- Copies: after this migration the projection is to be rebuilt once, which fills what older events said.
-- The periods of `courses` gain `first_day` and `mode`.
ALTER TABLE pins ADD COLUMN planned integer[];
ALTER TABLE pins ADD COLUMN attended integer[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN pins.planned IS 'NULL: all periods of the course (E-20)';

CREATE TABLE price_annexes (
    contract_id text NOT NULL,
    annex_version integer NOT NULL CHECK (annex_version > 0),
    provider_id text NOT NULL,
    service text NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    PRIMARY KEY (contract_id, annex_version),
    CHECK (valid_from <= valid_to)
);
COMMENT ON TABLE price_annexes IS 'Where several are valid on a day, the newest version is in force (R-BIL-2)';

CREATE TABLE annex_prices (
    contract_id text NOT NULL,
    annex_version integer NOT NULL,
    provider_id text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('face_to_face', 'online', 'remote')),
    unit text NOT NULL CHECK (unit IN ('period', 'day')),
    price numeric(12, 2) NOT NULL CHECK (price > 0),
    PRIMARY KEY (contract_id, annex_version, mode),
    FOREIGN KEY (contract_id, annex_version) REFERENCES price_annexes
);

CREATE TABLE billing_forms (
    form_version integer PRIMARY KEY CHECK (form_version > 0),
    in_use_from date NOT NULL UNIQUE
);
COMMENT ON TABLE billing_forms IS 'A form replaces the one before at once (R-BIL-7)';
INSERT INTO billing_forms (form_version, in_use_from) VALUES (1, '2000-01-01');

CREATE TABLE settlements (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    settlement_id text NOT NULL UNIQUE,
    provider_id text NOT NULL,
    contract_id text NOT NULL,
    service text NOT NULL,
    form_version integer NOT NULL REFERENCES billing_forms,
    invoice_number text NOT NULL,
    reference_number text NOT NULL,
    biller_id text NOT NULL,
    biller_name text NOT NULL,
    biller_reference text NOT NULL,
    email text NOT NULL,
    iban text NOT NULL,
    invoiced_on date NOT NULL,
    due_on date NOT NULL,
    total numeric(12, 2) NOT NULL,
    original_id text REFERENCES settlements (settlement_id),
    original_invoice_number text,
    state text NOT NULL DEFAULT 'submitted' CHECK (state IN ('submitted', 'accepted', 'rejected')),
    submitted_at timestamptz NOT NULL,
    decided_on date,
    reasons text[] NOT NULL DEFAULT '{}',
    version bigint NOT NULL DEFAULT 1,
    UNIQUE (settlement_id, contract_id, service),
    CHECK (invoiced_on <= due_on),
    CHECK ((original_id IS NULL) = (original_invoice_number IS NULL)),
    CHECK ((original_id IS NULL) = (total > 0)),
    CHECK ((state = 'submitted') = (decided_on IS NULL)),
    CONSTRAINT rejected_with_reasons CHECK ((state = 'rejected') = (cardinality(reasons) > 0))
);
CREATE INDEX settlements_of_contract ON settlements (contract_id, number);
CREATE UNIQUE INDEX invoice_number_once ON settlements (provider_id, biller_id, invoice_number)
    WHERE state <> 'rejected';
COMMENT ON COLUMN settlements.original_id IS 'The settlement that this one credits (E-29); its amounts are negative';

CREATE TABLE settlement_lines (
    settlement_id text NOT NULL,
    line integer NOT NULL CHECK (line > 0),
    provider_id text NOT NULL,
    contract_id text NOT NULL,
    service text NOT NULL,
    decision_ref text NOT NULL,
    period_number integer NOT NULL CHECK (period_number > 0),
    course_id text NOT NULL,
    office_id text NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    mode text NOT NULL CHECK (mode IN ('face_to_face', 'online', 'remote')),
    unit text NOT NULL CHECK (unit IN ('period', 'day')),
    quantity integer NOT NULL CHECK (quantity <> 0),
    unit_price numeric(12, 2) NOT NULL CHECK (unit_price > 0),
    amount numeric(12, 2) NOT NULL,
    annex_version integer NOT NULL,
    credit boolean NOT NULL,
    standing boolean NOT NULL DEFAULT true,
    PRIMARY KEY (settlement_id, line),
    CONSTRAINT one_contract_and_one_service
        FOREIGN KEY (settlement_id, contract_id, service) REFERENCES settlements (settlement_id, contract_id, service),
    CONSTRAINT price_annex_of_the_contract FOREIGN KEY (contract_id, annex_version) REFERENCES price_annexes,
    CHECK (amount = quantity * unit_price),
    CHECK (credit = (amount < 0))
);
CREATE UNIQUE INDEX billed_once ON settlement_lines (decision_ref, period_number, credit) WHERE standing;
COMMENT ON COLUMN settlement_lines.standing IS
    'Whether the line holds its period: not once its settlement was rejected, or credited (E-29, E-60)';

ALTER TABLE payments ADD COLUMN settlement_id text REFERENCES settlements (settlement_id);
ALTER TABLE payments ADD COLUMN refunded_on date;
COMMENT ON COLUMN payments.settlement_id IS 'NULL: paid without a settlement';
COMMENT ON COLUMN payments.refunded_on IS 'The period may be billed again; that it was paid once stays said (E-29)';

DO $$
DECLARE
    provider_table text;
BEGIN
    FOREACH provider_table IN ARRAY ARRAY['price_annexes', 'annex_prices', 'settlements', 'settlement_lines'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', provider_table);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', provider_table);
        EXECUTE format(
            'CREATE POLICY provider_scope ON %I USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id))',
            provider_table
        );
    END LOOP;
END
$$;

-- Everybody reads which form is in use; Kela alone changes it.
ALTER TABLE billing_forms ENABLE ROW LEVEL SECURITY;
ALTER TABLE billing_forms FORCE ROW LEVEL SECURITY;
CREATE POLICY readable ON billing_forms FOR SELECT USING (true);
CREATE POLICY kela_only ON billing_forms FOR INSERT WITH CHECK (rekku_may_see(NULL));
