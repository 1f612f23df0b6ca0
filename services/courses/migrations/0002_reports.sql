-- What Kela is told of by the courses themselves: late deletions and moves, clients without a place.

CREATE TABLE reports (
    report_id text PRIMARY KEY,
    kind text NOT NULL CHECK (
        kind IN (
            'cannot_place_client', 'late_deletion', 'late_move', 'must_run_course_deleted', 'must_run_course_moved',
            'client_left_must_run_course', 'cannot_confirm_past_course'
        )
    ),
    provider_id text NOT NULL,
    course_id text,
    decision_ref text,
    reason text CHECK (length(reason) BETWEEN 1 AND 1000),
    reported_at timestamptz NOT NULL,
    reported_by text NOT NULL,
    FOREIGN KEY (course_id, provider_id) REFERENCES courses (course_id, provider_id),
    FOREIGN KEY (decision_ref, provider_id) REFERENCES decisions (decision_ref, provider_id),
    CONSTRAINT reports_about_something CHECK (course_id IS NOT NULL OR decision_ref IS NOT NULL)
);
CREATE INDEX reports_of_course ON reports (course_id) WHERE course_id IS NOT NULL;

ALTER TABLE reports ENABLE ROW LEVEL SECURITY;
ALTER TABLE reports FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_scope ON reports USING (rekku_may_see(provider_id)) WITH CHECK (rekku_may_see(provider_id));
