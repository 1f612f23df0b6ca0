"""The SQL of the grant benchmark: the limit in one statement, and the data around it."""

OPEN_CONTRACTS = """
INSERT INTO services (service, version) VALUES ('CARDIAC_ADULT', 1);
INSERT INTO service_descriptions (service, description_version, valid_from, confirm_within_months)
VALUES ('CARDIAC_ADULT', 1, '2020-01-01', 4);
INSERT INTO contracts (contract_id, version, provider_id, service, language, valid_from)
SELECT 'contract-' || n, 1, '2828286-3', 'CARDIAC_ADULT', 'fi', '2020-01-01' FROM generate_series(0, $1::integer - 1) n;
INSERT INTO announced_counts
    (contract_id, year, provider_id, service, language, announced, ceiling, filled)
SELECT contract_id, extract(year FROM $2::date), provider_id, service, language, 1000000000, 1000000000, false
FROM contracts WHERE $1::integer > 0;
INSERT INTO quotas (service, year, quota_limit, ceiling)
SELECT 'CARDIAC_ADULT', extract(year FROM $2::date), 1000000000, 1000000000 WHERE $1::integer > 0
"""

GRANT_IN_ONE_STATEMENT = """
WITH contract AS (
    SELECT c.*, d.description_version, d.confirm_within_months FROM contracts c
    JOIN service_descriptions d USING (service)
    WHERE contract_id = $1 AND d.valid_from <= $3::date AND (d.valid_to IS NULL OR d.valid_to >= $3)
), taken AS (
    UPDATE announced_counts SET used = used + 1
    WHERE contract_id = $1 AND year = $2 AND used < announced RETURNING true
), slot AS (
    UPDATE quotas SET used = used + 1
    WHERE service = (SELECT service FROM contract) AND year = $2 AND (quota_limit IS NULL OR used < quota_limit)
    RETURNING true
), client AS (
    INSERT INTO first_grants (client_ref, service, decision_ref, provider_id, granted_on)
    SELECT $6, service, $4, provider_id, $3 FROM contract RETURNING true
), decision AS (
    INSERT INTO decisions (
        decision_ref, application_ref, client_ref, service, contract_id, provider_id, language, state, applied_on,
        decided_on, confirm_by, description_version, new_client, version
    )
    SELECT $4, $5, $6, service, contract_id, provider_id, language, 'granted', $3,
        $3, $3 + make_interval(months => confirm_within_months), description_version, true, 1
    FROM contract, taken, slot, client RETURNING true
), idempotent AS (
    INSERT INTO idempotency (principal, route, idempotency_key, request_hash, status, headers, body)
    SELECT 'dev-officer', 'POST /decisions', $7, sha256($11::bytea), 201,
        '{"content-type": "application/json", "etag": "1"}', $11
    FROM decision
), said AS (
    INSERT INTO outbox (topic, key, header_names, header_values, value)
    SELECT 'rekku.decisions', convert_to($4, 'UTF8'), $8, $9, $10 FROM decision
), audited AS (
    INSERT INTO audit (at, actor, role, action, subject, route)
    SELECT clock_timestamp(), 'dev-officer', 'officer', 'grant_decision', 'decision:' || $4, 'POST /decisions'
    FROM decision
)
SELECT true FROM decision
"""

FORGET = """
TRUNCATE decisions, first_grants, outbox, audit, idempotency;
UPDATE announced_counts SET used = 0;
UPDATE quotas SET used = 0
"""

AGE_DECISIONS = """
INSERT INTO decisions (
    decision_ref, application_ref, client_ref, service, contract_id, provider_id, language, state, applied_on,
    decided_on, confirm_by, description_version, new_client
)
SELECT upper(substr(md5('d' || n), 1, 13)), 'past-' || md5('a' || n), 'past-' || md5('c' || n), 'CARDIAC_ADULT',
    'contract-' || n % 11, '2828286-3', 'fi', 'granted', $2::date - (n % 3000)::integer,
    $2::date - (n % 3000)::integer, $2::date + 100, 1, true
FROM generate_series(1, $1::integer) n ON CONFLICT DO NOTHING;
INSERT INTO first_grants (client_ref, service, decision_ref, provider_id, granted_on)
SELECT client_ref, service, decision_ref, provider_id, decided_on FROM decisions ON CONFLICT DO NOTHING
"""
