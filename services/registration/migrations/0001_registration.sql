-- Providers, their offices and contracts, the announced counts with their history, the service
-- descriptions, and copies of the decisions and courses that use up the counts.

CREATE TABLE providers (
    provider_id text PRIMARY KEY CHECK (provider_id ~ '^[0-9]{7}-[0-9]$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    version integer NOT NULL CHECK (version > 0),
    registered_at timestamptz NOT NULL
);
ALTER TABLE providers ENABLE ROW LEVEL SECURITY;
ALTER TABLE providers FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON providers
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

CREATE TABLE offices (
    office_id text PRIMARY KEY,
    provider_id text NOT NULL REFERENCES providers,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    municipality_code text NOT NULL CHECK (municipality_code ~ '^[0-9]{3}$'),
    street_address text NOT NULL CHECK (length(street_address) BETWEEN 1 AND 300),
    postal_address text NOT NULL CHECK (length(postal_address) BETWEEN 1 AND 300),
    phone text CHECK (phone ~ '^\+[1-9][0-9]{3,14}$'),
    open boolean NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    registered_at timestamptz NOT NULL
);
CREATE INDEX offices_of_provider ON offices (provider_id, office_id);
ALTER TABLE offices ENABLE ROW LEVEL SECURITY;
ALTER TABLE offices FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON offices
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

-- Every version of every service description, as data; `services.version` orders the publications.
CREATE TABLE services (
    service text PRIMARY KEY,
    version integer NOT NULL CHECK (version >= 0)
);

CREATE TABLE service_descriptions (
    service text NOT NULL REFERENCES services,
    description_version integer NOT NULL CHECK (description_version > 0),
    valid_from date NOT NULL,
    valid_to date CHECK (valid_to >= valid_from),
    description jsonb NOT NULL,
    PRIMARY KEY (service, description_version),
    UNIQUE (service, valid_from)
);

CREATE TABLE contracts (
    contract_id text PRIMARY KEY,
    provider_id text NOT NULL REFERENCES providers,
    service text NOT NULL REFERENCES services,
    language text NOT NULL CHECK (language IN ('fi', 'sv')),
    valid_from date NOT NULL,
    valid_to date CHECK (valid_to >= valid_from),
    email text CHECK (length(email) <= 254),
    phone text CHECK (phone ~ '^\+[1-9][0-9]{3,14}$'),
    web text CHECK (length(web) <= 300),
    version integer NOT NULL CHECK (version > 0),
    registered_at timestamptz NOT NULL,
    UNIQUE (provider_id, service, language),
    UNIQUE (contract_id, provider_id),
    CHECK ((email IS NULL) = (phone IS NULL)),
    CHECK (web IS NULL OR email IS NOT NULL)
);
ALTER TABLE contracts ENABLE ROW LEVEL SECURITY;
ALTER TABLE contracts FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON contracts
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

-- The history of each count: a row is in force from `effective_at` until the next revision.
-- A count is announced once and raised after that, never lowered.
CREATE TABLE announced_counts (
    contract_id text NOT NULL,
    provider_id text NOT NULL,
    year integer NOT NULL CHECK (year BETWEEN 2000 AND 2200),
    revision integer NOT NULL CHECK (revision > 0),
    count integer NOT NULL CHECK (count >= 0),
    raised_from integer,
    effective_at timestamptz NOT NULL,
    announced_by text NOT NULL,
    PRIMARY KEY (contract_id, year, revision),
    FOREIGN KEY (contract_id, provider_id) REFERENCES contracts (contract_id, provider_id),
    CHECK ((revision = 1) = (raised_from IS NULL)),
    CHECK (raised_from IS NULL OR count > raised_from)
);
ALTER TABLE announced_counts ENABLE ROW LEVEL SECURITY;
ALTER TABLE announced_counts FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON announced_counts
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

-- Copies of what other services know, for the gauge: merged by version, so that repeated and
-- reordered events leave the same rows. No foreign keys: a copy may come before anything else.
CREATE TABLE decisions (
    decision_ref text PRIMARY KEY,
    contract_id text NOT NULL,
    provider_id text NOT NULL,
    year integer NOT NULL,
    uses_count boolean NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX decisions_using_count ON decisions (contract_id, year) WHERE uses_count;
ALTER TABLE decisions ENABLE ROW LEVEL SECURITY;
ALTER TABLE decisions FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON decisions
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

CREATE TABLE courses (
    course_id text PRIMARY KEY,
    contract_id text NOT NULL,
    provider_id text NOT NULL,
    year integer NOT NULL,
    places integer NOT NULL CHECK (places >= 0),
    version bigint NOT NULL
);
CREATE INDEX courses_of_contract ON courses (contract_id, year) INCLUDE (places);
ALTER TABLE courses ENABLE ROW LEVEL SECURITY;
ALTER TABLE courses FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON courses
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));
