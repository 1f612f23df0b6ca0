-- The history of a course or of a decision's pin is read from the audit rows; pins are listed by provider.

CREATE INDEX audit_of_subject ON audit (subject, id);
CREATE INDEX pins_of_provider ON pins (provider_id, pin_id);
