-- The public read model: copies of what other services own, each with the version of its snapshot.
-- A newer version wins, so the rows are the same whatever order or how often the events came.
-- References are loose (no foreign keys between copies): what arrives early waits until its other
-- half is there, and a query joins only what is complete.

CREATE TABLE providers (
    provider_id text PRIMARY KEY,
    version bigint NOT NULL,
    name text NOT NULL
);

CREATE TABLE offices (
    office_id text PRIMARY KEY,
    version bigint NOT NULL,
    provider_id text NOT NULL,
    name text NOT NULL,
    name_order text COLLATE "C" NOT NULL,
    municipality_code text NOT NULL,
    street_address text NOT NULL,
    postal_address text NOT NULL,
    phone text,
    open boolean NOT NULL
);
CREATE INDEX offices_of_provider ON offices (provider_id);

CREATE TABLE contracts (
    contract_id text PRIMARY KEY,
    version bigint NOT NULL,
    provider_id text NOT NULL,
    service text NOT NULL,
    language text NOT NULL CHECK (language IN ('fi', 'sv')),
    valid_from date NOT NULL,
    valid_to date,
    email text,
    phone text,
    web text
);
CREATE INDEX contracts_of_provider ON contracts (provider_id);

-- Which open office offers what: offices x contracts of their provider, derived in the transaction
-- that changes one of the three, and there only when all three are. It holds everything a search
-- filters and orders by, so that a page is found from one index before anything is joined.
CREATE TABLE offerings (
    office_id text NOT NULL,
    contract_id text NOT NULL,
    provider_id text NOT NULL,
    service text NOT NULL,
    language text NOT NULL CHECK (language IN ('fi', 'sv')),
    valid_from date NOT NULL,
    valid_to date,
    municipality_code text NOT NULL,
    name_order text COLLATE "C" NOT NULL,
    PRIMARY KEY (office_id, contract_id)
);
CREATE INDEX offerings_of_contract ON offerings (contract_id);
CREATE INDEX offerings_of_provider ON offerings (provider_id);
CREATE INDEX offerings_by_municipality
    ON offerings (municipality_code, service, name_order, office_id, contract_id)
    INCLUDE (language, valid_from, valid_to);
CREATE INDEX offerings_by_name
    ON offerings (name_order, office_id, contract_id)
    INCLUDE (service, language, valid_from, valid_to);

CREATE TABLE services (
    service text PRIMARY KEY,
    version bigint NOT NULL
);

CREATE TABLE service_descriptions (
    service text NOT NULL REFERENCES services,
    description_version integer NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    coverage text NOT NULL CHECK (coverage IN ('national', 'regional')),
    is_course boolean NOT NULL,
    languages text[] NOT NULL,
    min_age integer,
    max_age integer,
    names jsonb NOT NULL,
    age_groups jsonb NOT NULL,
    target_groups jsonb NOT NULL,
    PRIMARY KEY (service, description_version)
);

-- json and not jsonb: `periods` and `target_groups` are copied into answers as they stand.
CREATE TABLE courses (
    course_id text PRIMARY KEY,
    version bigint NOT NULL,
    course_number integer NOT NULL,
    contract_id text NOT NULL,
    provider_id text NOT NULL,
    office_id text NOT NULL,
    service text NOT NULL,
    language text NOT NULL CHECK (language IN ('fi', 'sv')),
    state text NOT NULL
        CHECK (state IN ('created', 'published', 'confirmed', 'running', 'completed', 'deleted', 'cancelled')),
    group_size integer NOT NULL CHECK (group_size > 0),
    free_places integer NOT NULL CHECK (free_places BETWEEN 0 AND group_size),
    target_groups json NOT NULL,
    age_group text,
    min_age integer,
    max_age integer,
    first_day date NOT NULL,
    last_day date NOT NULL,
    periods json NOT NULL,
    confirmed_on date,
    CHECK (first_day <= last_day)
) WITH (fillfactor = 85);
CREATE INDEX courses_offered ON courses (office_id, contract_id, first_day)
    WHERE state IN ('published', 'confirmed');
CREATE INDEX courses_by_number ON courses (course_number);

-- An average of fewer than five answers never gets in, whoever publishes it (E-30).
CREATE TABLE feedback_averages (
    office_id text NOT NULL,
    service text NOT NULL,
    version bigint NOT NULL,
    average numeric(2, 1) NOT NULL CHECK (average BETWEEN 1 AND 5),
    answers integer NOT NULL CHECK (answers >= 5),
    PRIMARY KEY (office_id, service)
);

CREATE TABLE quotas (
    service text NOT NULL,
    year integer NOT NULL CHECK (year BETWEEN 2000 AND 2200),
    version bigint NOT NULL,
    estimate integer CHECK (estimate >= 0),
    quota_limit integer CHECK (quota_limit >= 0),
    used integer NOT NULL CHECK (used >= 0),
    suspended boolean NOT NULL,
    PRIMARY KEY (service, year)
);
