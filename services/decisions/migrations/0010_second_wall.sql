-- What providers' requests may do with which rows, table by table (record 0033).

SET LOCAL lock_timeout = '5s';

SELECT rekku_wall(read, 'SELECT') FROM unnest(ARRAY[
    'contracts', 'courses', 'pins', 'announced_counts', 'payments', 'price_annexes', 'annex_prices'
]::regclass[]) AS read;
-- To lock a row takes the right to change something of it. A decision is never changed by its provider: no row
-- passes `false`. A settlement's number is always generated.
SELECT rekku_wall('decisions', 'SELECT, UPDATE (version)', written => 'false');
SELECT rekku_wall('settlements', 'SELECT, INSERT, UPDATE (number)');
SELECT rekku_wall('settlement_lines', 'SELECT, INSERT');
SELECT rekku_wall('concerns', 'SELECT, INSERT');
SELECT rekku_wall('billing_forms', 'SELECT', 'true', 'false');

-- Between Kela and its clients, or about other providers.
SELECT rekku_wall(of_kela) FROM unnest(ARRAY[
    'client_contacts', 'client_eligibility', 'first_grants', 'follow_ups', 'follow_up_entries', 'differences',
    'offices', 'offerings', 'course_ages'
]::regclass[]) AS of_kela;

SELECT rekku_wall_commands();

-- Of no provider and of no client.
GRANT SELECT ON services, service_descriptions, quotas, scoped_quotas, suspensions, reported_tables
    TO rekku_decisions_provider;
-- How far a list is settled (record 0029).
GRANT SELECT ON SEQUENCE decisions_number_seq, settlements_number_seq TO rekku_decisions_provider;
