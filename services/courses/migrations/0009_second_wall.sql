-- What providers' requests may do with which rows, table by table (record 0033).

SET LOCAL lock_timeout = '5s';

-- The service's own copies: what is Kela's to say is read; the counters that go with it are kept here.
SELECT rekku_wall('contracts', 'SELECT');
SELECT rekku_wall('offices', 'SELECT');
SELECT rekku_wall('place_ledgers', 'SELECT, UPDATE (reserved)');
SELECT rekku_wall('decisions', 'SELECT, UPDATE (pinned_to, pin_version)');
-- The inner query is behind the wall as well: eligibility is read of clients whom a decision sends to this provider.
SELECT rekku_wall(
    'client_eligibility', 'SELECT',
    'EXISTS (SELECT FROM decisions WHERE decisions.client_ref = client_eligibility.client_ref)'
);

SELECT rekku_wall('courses', 'SELECT, INSERT, UPDATE');
SELECT rekku_wall('pins', 'SELECT, INSERT, UPDATE');
SELECT rekku_wall('legacy_drafts', 'SELECT, UPDATE (version, state, course_id, ended_at)');
SELECT rekku_wall(
    'age_notices', 'SELECT, INSERT, UPDATE (given_on, given_by, channel, recorded_at, recorded_by)'
);
SELECT rekku_wall(written, 'SELECT, INSERT') FROM unnest(ARRAY[
    'reports', 'course_endings', 'reschedulings', 'schedule_consents', 'client_moves', 'unplaced_clients'
]::regclass[]) AS written;

SELECT rekku_wall_commands();
-- Timers are keyed by the course.
SELECT rekku_wall(
    'timers', 'SELECT, INSERT, UPDATE, DELETE', 'EXISTS (SELECT FROM courses WHERE courses.course_id = timers.key)'
);
-- Histories are read of what is one's own.
SELECT rekku_wall(
    'audit', 'SELECT, INSERT',
    $$CASE split_part(subject, ':', 1)
        WHEN 'course' THEN EXISTS (SELECT FROM courses WHERE course_id = split_part(subject, ':', 2))
        WHEN 'pin' THEN EXISTS (SELECT FROM decisions WHERE decision_ref = split_part(subject, ':', 2))
    END$$,
    'rekku_own_act(role, on_behalf_of)'
);

-- Of no provider and of no client.
GRANT SELECT ON service_descriptions TO rekku_courses_provider;
-- How far a list is settled (record 0029).
GRANT SELECT ON SEQUENCE pins_pin_id_seq TO rekku_courses_provider;
