-- What providers' requests may do with which rows, table by table (record 0033).

SET LOCAL lock_timeout = '5s';

SELECT rekku_wall('providers', 'SELECT, INSERT');
SELECT rekku_wall('offices', 'SELECT, INSERT, UPDATE');
SELECT rekku_wall('contracts', 'SELECT, UPDATE (email, phone, web, version)');
SELECT rekku_wall('contract_administration', 'SELECT, INSERT, UPDATE');
SELECT rekku_wall('billers', 'SELECT, INSERT, UPDATE (name, business_id)');
SELECT rekku_wall('registrations', 'SELECT, INSERT, UPDATE');
SELECT rekku_wall('change_requests', 'SELECT, INSERT, UPDATE');
SELECT rekku_wall('choice_information', 'SELECT, INSERT, UPDATE (version)');
SELECT rekku_wall('audit_findings', 'SELECT, UPDATE (state, corrective_action, due_on, version)');
SELECT rekku_wall(read, 'SELECT') FROM unnest(ARRAY[
    'contract_ends', 'registration_decisions', 'decisions', 'courses'
]::regclass[]) AS read;
SELECT rekku_wall(written, 'SELECT, INSERT') FROM unnest(ARRAY[
    'announced_counts', 'change_outcomes', 'audit_finding_steps', 'choice_answers', 'data_reviews'
]::regclass[]) AS written;

SELECT rekku_wall_commands();
-- A provider's commands plan reminders: of reviewing an office's data, and of acting on a finding.
SELECT rekku_wall(
    'timers', 'SELECT, INSERT, UPDATE, DELETE',
    'EXISTS (SELECT FROM offices WHERE offices.office_id = timers.key)'
    ' OR EXISTS (SELECT FROM audit_findings WHERE audit_findings.finding_id = timers.key)'
);
-- Histories are read of what is one's own.
SELECT rekku_wall(
    'audit', 'SELECT, INSERT',
    $$CASE split_part(subject, ':', 1)
        WHEN 'provider' THEN split_part(subject, ':', 2) = (SELECT rekku_own_provider())
        WHEN 'office' THEN EXISTS (SELECT FROM offices WHERE office_id = split_part(subject, ':', 2))
        WHEN 'contract' THEN EXISTS (SELECT FROM contracts WHERE contract_id = split_part(subject, ':', 2))
        WHEN 'choice-information' THEN EXISTS (
            SELECT FROM offices WHERE office_id = split_part(split_part(subject, ':', 2), '/', 1)
        )
    END$$,
    'rekku_own_act(role, on_behalf_of)'
);

-- Of no provider and of no client.
GRANT SELECT ON services, service_descriptions, choice_questions TO rekku_registration_provider;
