-- What the release before decision record 0032 has written in the audit, of seven commands and an event.
BEGIN;
INSERT INTO audit (at, actor, role, on_behalf_of, action, subject, detail) VALUES
    ('2024-01-15 08:00:00+00:00', 'dev-provider-2828286-3', 'provider', '2828286-3', 'create_course', 'course:01a232ae-45fc-71c6-b0d1-dd7d3388054c', '{"last_day": "2024-04-19", "age_group": null, "first_day": "2024-03-04", "office_id": "office-1", "group_size": 12, "contract_id": "contract-1", "course_number": 1001, "target_groups": ["group_a"]}');
INSERT INTO audit (at, actor, role, on_behalf_of, action, subject, detail) VALUES
    ('2024-01-15 08:00:00+00:00', 'dev-provider-2828286-3', 'provider', '2828286-3', 'POST /courses', 'course:01a232ae-45fc-71c6-b0d1-dd7d3388054c', '{}');
COMMIT;
BEGIN;
INSERT INTO audit (at, actor, role, on_behalf_of, action, subject, detail) VALUES
    ('2024-01-15 08:00:00+00:00', 'dev-provider-2828286-3', 'provider', '2828286-3', 'publish_course', 'course:01a232ae-45fc-71c6-b0d1-dd7d3388054c', '{}');
INSERT INTO audit (at, actor, role, on_behalf_of, action, subject, detail) VALUES
    ('2024-01-15 08:00:00+00:00', 'dev-provider-2828286-3', 'provider', '2828286-3', 'POST /courses/{course_id}/publication', 'course:01a232ae-45fc-71c6-b0d1-dd7d3388054c', '{}');
COMMIT;
BEGIN;
INSERT INTO audit (at, actor, role, on_behalf_of, action, subject, detail) VALUES
    ('2024-01-15 08:00:00+00:00', 'dev-provider-2828286-3', 'provider', '2828286-3', 'set_contact', 'course:01a232ae-45fc-71c6-b0d1-dd7d3388054c', '{"web": null, "email": "kevat@sydankunto.fi", "phone": "+358171234569"}');
INSERT INTO audit (at, actor, role, on_behalf_of, action, subject, detail) VALUES
    ('2024-01-15 08:00:00+00:00', 'dev-provider-2828286-3', 'provider', '2828286-3', 'PUT /courses/{course_id}/contact', 'course:01a232ae-45fc-71c6-b0d1-dd7d3388054c', '{}');
COMMIT;
BEGIN;
INSERT INTO audit (at, actor, role, on_behalf_of, action, subject, detail) VALUES
    ('2024-01-15 08:00:00+00:00', 'dev-provider-2828286-3', 'provider', '2828286-3', 'PUT /courses/{course_id}/contact', 'course:01a232ae-45fc-71c6-b0d1-dd7d3388054c', '{}');
COMMIT;
BEGIN;
INSERT INTO audit (at, actor, role, on_behalf_of, action, subject, detail) VALUES
    ('2024-01-15 08:00:00+00:00', 'dev-provider-2828286-3', 'provider', '2828286-3', 'pin_client', 'pin:D00000000001U', '{"course_id": "01a232ae-45fc-71c6-b0d1-dd7d3388054c", "course_number": 1001}');
INSERT INTO audit (at, actor, role, on_behalf_of, action, subject, detail) VALUES
    ('2024-01-15 08:00:00+00:00', 'dev-provider-2828286-3', 'provider', '2828286-3', 'POST /courses/{course_id}/pins', 'pin:D00000000001U', '{}');
COMMIT;
BEGIN;
INSERT INTO audit (at, actor, role, on_behalf_of, action, subject, detail) VALUES
    ('2024-01-15 08:00:00+00:00', 'system', 'system', NULL, 'release_client', 'pin:D00000000001U', '{"reason": "decision_revoked", "course_id": "01a232ae-45fc-71c6-b0d1-dd7d3388054c", "course_number": 1001}');
COMMIT;
BEGIN;
INSERT INTO audit (at, actor, role, on_behalf_of, action, subject, detail) VALUES
    ('2024-01-15 08:00:00+00:00', 'dev-provider-2828286-3', 'provider', '2828286-3', 'resize_course', 'course:01a232ae-45fc-71c6-b0d1-dd7d3388054c', '{"after": 10, "before": 12}');
INSERT INTO audit (at, actor, role, on_behalf_of, action, subject, detail) VALUES
    ('2024-01-15 08:00:00+00:00', 'dev-provider-2828286-3', 'provider', '2828286-3', 'PUT /courses/{course_id}/group-size', 'course:01a232ae-45fc-71c6-b0d1-dd7d3388054c', '{}');
COMMIT;
