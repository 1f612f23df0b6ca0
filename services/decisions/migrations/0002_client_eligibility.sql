-- What decides on which course a client fits (E-24): disease group and birth date or year, sealed.

CREATE TABLE client_eligibility (
    client_ref text PRIMARY KEY,
    sealed text NOT NULL,
    version bigint NOT NULL
);
COMMENT ON COLUMN client_eligibility.sealed IS 'Encrypted under the client''s own key; unreadable once the key is erased';

-- No provider's: officers and systems only.
ALTER TABLE client_eligibility ENABLE ROW LEVEL SECURITY;
ALTER TABLE client_eligibility FORCE ROW LEVEL SECURITY;
CREATE POLICY kela_only ON client_eligibility USING (rekku_may_see(NULL)) WITH CHECK (rekku_may_see(NULL));
