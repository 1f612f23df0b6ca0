-- Fingerprints of requests are keyed from now on, and kept for a stated time; the outbox can remove a key's records.

-- What was written without a key gives away what has few values, as phone numbers and birth dates. Whoever sends
-- such a command again is refused rather than served twice (IDEMPOTENCY_KEY_SPENT).
UPDATE idempotency SET request_hash = '' WHERE octet_length(request_hash) > 0;
COMMENT ON COLUMN idempotency.request_hash IS
    'HMAC-SHA-256 of the request behind the mark of its secret; empty where it was written without a key';

CREATE INDEX idempotency_by_age ON idempotency (created_at);
CREATE INDEX idempotency_unkeyed ON idempotency (created_at) WHERE octet_length(request_hash) = 32;

-- A record without a body removes its key from a compacted topic.
ALTER TABLE outbox ALTER COLUMN value DROP NOT NULL;
ALTER TABLE outbox_aside ALTER COLUMN value DROP NOT NULL;
