-- What providers' requests may do with which rows, table by table (record 0033): they read their inbox. Surveys are
-- opened by their links, and no provider's request comes near them.

SET LOCAL lock_timeout = '5s';

SELECT rekku_wall(read, 'SELECT') FROM unnest(ARRAY[
    'messages', 'decisions', 'courses', 'pins'
]::regclass[]) AS read;

SELECT rekku_wall(hidden) FROM unnest(ARRAY[
    'contracts', 'client_contacts', 'count_uses', 'surveys', 'invitations', 'invitation_stages', 'answers',
    'feedback_totals', 'sealed_answers', 'sms_removals'
]::regclass[]) AS hidden;

-- Of no provider and of no client.
GRANT SELECT ON services TO rekku_notifications_provider;
