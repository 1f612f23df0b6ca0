-- Audit findings with every step that was taken on them. What Kela and the provider wrote stays in
-- these tables; events carry codes and dates.

CREATE TABLE audit_findings (
    finding_id text PRIMARY KEY,
    provider_id text NOT NULL,
    office_id text NOT NULL,
    FOREIGN KEY (office_id, provider_id) REFERENCES offices (office_id, provider_id),
    service text NOT NULL REFERENCES services,
    category text NOT NULL CHECK (category IN (
        'physician_qualification', 'first_aid_training', 'professionals_available', 'team_participation',
        'rehabilitation_reports', 'record_keeping', 'work_experience', 'experience_at_staff_change')),
    severity text NOT NULL CHECK (severity IN ('minor', 'major', 'critical')),
    state text NOT NULL CHECK (state IN ('open', 'action_reported', 'closed')),
    corrective_action text NOT NULL CHECK (length(corrective_action) BETWEEN 1 AND 2000),
    opened_on date NOT NULL,
    due_on date NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    UNIQUE (finding_id, provider_id),
    CHECK (due_on >= opened_on)
);
CREATE INDEX audit_findings_by_due_date ON audit_findings (due_on, finding_id);
CREATE INDEX audit_findings_of_provider ON audit_findings (provider_id, due_on, finding_id);
ALTER TABLE audit_findings ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_findings FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON audit_findings
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));

-- One row per version: who did what, and in which words.
CREATE TABLE audit_finding_steps (
    finding_id text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    provider_id text NOT NULL,
    step text NOT NULL CHECK (step IN ('opened', 'action_reported', 'closed', 'reopened')),
    due_on date NOT NULL,
    said text CHECK (length(said) BETWEEN 1 AND 2000),
    taken_at timestamptz NOT NULL,
    taken_by text NOT NULL,
    role text NOT NULL,
    PRIMARY KEY (finding_id, version),
    FOREIGN KEY (finding_id, provider_id) REFERENCES audit_findings (finding_id, provider_id),
    CHECK ((version = 1) = (step = 'opened')),
    CHECK (step = 'closed' OR said IS NOT NULL)
);
ALTER TABLE audit_finding_steps ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_finding_steps FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON audit_finding_steps
    USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));
