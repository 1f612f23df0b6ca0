-- Answers wait sealed, five of an office and service at a time, and are opened together (E-30, decision record 0030).

SET LOCAL lock_timeout = '5s';

CREATE TABLE sealed_answers (
    sealed_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    batch_id uuid NOT NULL,
    office_id text NOT NULL,
    service text NOT NULL,
    sealed bytea NOT NULL CHECK (octet_length(sealed) = 8050)
);
CREATE INDEX sealed_answers_by_batch ON sealed_answers (batch_id);
-- What is sealed does not get smaller.
ALTER TABLE sealed_answers ALTER COLUMN sealed SET STORAGE EXTERNAL;
COMMENT ON TABLE sealed_answers IS
    'as long as fewer than five wait; that somebody has answered may be seen here, what they said may not';
COMMENT ON COLUMN sealed_answers.sealed IS
    'under the key of the batch, which is not in this database; always as long, whatever the answer says';

ALTER TABLE feedback_totals ADD COLUMN batch_id uuid NOT NULL DEFAULT gen_random_uuid();
COMMENT ON COLUMN feedback_totals.batch_id IS 'the batch that takes answers now; a new one is begun by its fifth';
COMMENT ON COLUMN feedback_totals.published_at IS
    'how many answers there were at the last publication, 0 for never; since batches are published whole: all of them';

ALTER TABLE answers ADD COLUMN words text CHECK (char_length(words) <= 2000);
COMMENT ON TABLE answers IS
    'raw, 1 = fully agree (E-27); a batch is inserted in one transaction, shuffled, under random keys';
COMMENT ON COLUMN answers.answered_in IS 'the month in which the batch was opened: the answer came then or earlier';
COMMENT ON COLUMN answers.words IS 'what the client wrote besides; not asked for yet';

-- Answers of before were each inserted in the transaction that closed their survey. They are put in anew, all in this
-- one, shuffled, with other ids, and with the latest month of their office and service. Their old versions, and
-- the log of then, go with VACUUM and with the log's retention.
WITH before AS (DELETE FROM answers RETURNING office_id, service, answered_in, scores)
INSERT INTO answers (office_id, service, answered_in, scores)
SELECT office_id, service, max(answered_in) OVER (PARTITION BY office_id, service), scores
FROM before ORDER BY gen_random_uuid();
