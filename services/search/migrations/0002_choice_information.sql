-- What offices answer to help clients choose, and the questions with their texts. Questions come
-- with the service they belong to; a row of before has none until its service is published again.

ALTER TABLE services ADD COLUMN choice_questions jsonb NOT NULL DEFAULT '[]';

CREATE TABLE choice_information (
    office_id text NOT NULL,
    service text NOT NULL,
    version bigint NOT NULL,
    answers jsonb NOT NULL,
    PRIMARY KEY (office_id, service)
);
