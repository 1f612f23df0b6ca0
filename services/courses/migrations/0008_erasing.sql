-- Of an erased client only the version stays, so that nothing older is taken for newer.

ALTER TABLE client_eligibility ALTER COLUMN sealed DROP NOT NULL;
COMMENT ON COLUMN client_eligibility.sealed IS 'Encrypted under the client''s own key; NULL once the client is erased';
