-- Choice-supporting information: the questions of each service as published, and what offices
-- answer. Every answer stays as a row with its first instant and its author.

CREATE TABLE choice_questions (
    service text NOT NULL REFERENCES services ON DELETE CASCADE,
    question text NOT NULL,
    question_version integer NOT NULL CHECK (question_version > 0),
    valid_from date NOT NULL,
    valid_to date CHECK (valid_to >= valid_from),
    document jsonb NOT NULL,
    PRIMARY KEY (service, question, valid_from)
);

CREATE TABLE choice_information (
    office_id text NOT NULL,
    service text NOT NULL REFERENCES services,
    provider_id text NOT NULL,
    FOREIGN KEY (office_id, provider_id) REFERENCES offices (office_id, provider_id),
    version integer NOT NULL CHECK (version >= 0),
    PRIMARY KEY (office_id, service),
    UNIQUE (office_id, service, provider_id)
);
ALTER TABLE choice_information ENABLE ROW LEVEL SECURITY;
ALTER TABLE choice_information FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON choice_information
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

-- In force from `entered_at` until the next row of the same question; a withdrawn one answers nothing.
CREATE TABLE choice_answers (
    office_id text NOT NULL,
    service text NOT NULL,
    question text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    provider_id text NOT NULL,
    options text[] NOT NULL,
    number integer,
    entered_at timestamptz NOT NULL,
    entered_by text NOT NULL,
    PRIMARY KEY (office_id, service, question, version),
    FOREIGN KEY (office_id, service, provider_id) REFERENCES choice_information (office_id, service, provider_id),
    CHECK (number IS NULL OR options = '{}')
);
COMMENT ON COLUMN choice_answers.version IS 'the version of the choice information that this answer came with';
ALTER TABLE choice_answers ENABLE ROW LEVEL SECURITY;
ALTER TABLE choice_answers FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON choice_answers
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));
