-- Answers of before of which an office and service has too few for an average wait sealed, as later ones do (E-30).
-- The key is not here: timers seal them, at once.

SET LOCAL lock_timeout = '5s';

INSERT INTO timers (kind, key, due_at, payload)
SELECT 'seal-few-answers', format('%s/%s', office_id, service), '2000-01-01 00:00:00+00',
    jsonb_build_object('office_id', office_id, 'service', service)
FROM feedback_totals WHERE published_at = 0 AND answers > 0
ON CONFLICT DO NOTHING;
