-- What is known of clients' disease group and age, sealed under each client's own key (E-24), and more of
-- what decisions say of themselves.

-- `client_ref` is NULL on decisions that were copied before; their next snapshot brings it.
ALTER TABLE decisions
    ADD COLUMN client_ref text,
    ADD COLUMN provider_changed boolean NOT NULL DEFAULT false;
CREATE INDEX decisions_of_client ON decisions (client_ref);

CREATE TABLE client_eligibility (
    client_ref text PRIMARY KEY,
    version bigint NOT NULL,
    sealed text NOT NULL
);
COMMENT ON COLUMN client_eligibility.sealed IS 'Encrypted under the client''s own key; unreadable once the key is erased';

-- A provider's transactions read those of the clients it has a decision for: the inner query is scoped as well.
ALTER TABLE client_eligibility ENABLE ROW LEVEL SECURITY;
ALTER TABLE client_eligibility FORCE ROW LEVEL SECURITY;
CREATE POLICY own_clients ON client_eligibility FOR SELECT USING (
    rekku_may_see(NULL)
    OR EXISTS (SELECT FROM decisions WHERE decisions.client_ref = client_eligibility.client_ref)
);
CREATE POLICY kela_writes ON client_eligibility USING (rekku_may_see(NULL)) WITH CHECK (rekku_may_see(NULL));
