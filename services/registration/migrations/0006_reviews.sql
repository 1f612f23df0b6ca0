-- The days on which a provider confirmed that an office's data are up to date.

CREATE TABLE data_reviews (
    office_id text NOT NULL,
    reviewed_on date NOT NULL,
    provider_id text NOT NULL,
    FOREIGN KEY (office_id, provider_id) REFERENCES offices (office_id, provider_id),
    reviewed_at timestamptz NOT NULL,
    reviewed_by text NOT NULL,
    PRIMARY KEY (office_id, reviewed_on)
);
ALTER TABLE data_reviews ENABLE ROW LEVEL SECURITY;
ALTER TABLE data_reviews FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON data_reviews
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));
