-- Of an erased client only the version stays, so that nothing older is taken for newer; the gateway of SMS is asked
-- to remove what it keeps, after the commit and until it has.

ALTER TABLE client_contacts ALTER COLUMN sealed DROP NOT NULL;
COMMENT ON COLUMN client_contacts.sealed IS
    'under the client''s own key, opened only at the moment of sending; NULL once the client is erased';

CREATE TABLE sms_removals (
    message_id text PRIMARY KEY REFERENCES messages
);

-- No provider's: officers and systems only.
ALTER TABLE sms_removals ENABLE ROW LEVEL SECURITY;
ALTER TABLE sms_removals FORCE ROW LEVEL SECURITY;
CREATE POLICY kela_only ON sms_removals USING (rekku_may_see(NULL)) WITH CHECK (rekku_may_see(NULL));
