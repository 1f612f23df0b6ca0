"""Changing a course with bad input, or somebody else's course: a coded problem, nothing changed, nothing echoed."""

from typing import Any

from chassis.auth import Role
from contracts.courses import CourseChanged, CourseRescheduled
from tests.courses.builders import FIRST_DAY, OTHER_PROVIDER, a_consent, a_period, a_proposal, expect, refusal
from tests.decision_refs import a_decision_ref

HETU = "131052-308T"
PERIODS = a_proposal()["periods"]
MALFORMED: list[tuple[str, dict[str, Any]]] = [
    ("group-size", {}),
    ("group-size", {"group_size": 0}),
    ("group-size", {"group_size": 501}),
    ("group-size", {"group_size": 8, "why": "secret words"}),
    ("target-groups", {"target_groups": "group_a"}),
    ("target-groups", {"target_groups": ["secret words"]}),
    ("target-groups", {"target_groups": ["group_a"] * 21}),
    ("periods", {"periods": []}),
    ("periods", {"periods": PERIODS * 16}),
    ("periods", {"periods": [a_period(FIRST_DAY, 5, mode="by post")]}),
    ("periods", {"periods": [{"first_day": "2025-02-29", "last_day": "2025-02-29", "mode": "online"}]}),
    ("periods", {"periods": PERIODS, "consents": [a_consent()]}),
    ("periods", {"periods": PERIODS, "consents": [a_consent(decision_ref=a_decision_ref(1), by="neighbour")]}),
    ("periods", {"periods": PERIODS, "consents": [a_consent(decision_ref=a_decision_ref(1), channel="secret words")]}),
    ("contact", {"email": "secret words", "phone": "secret words"}),
    (f"age-notices/{a_decision_ref(1)}", {"given_on": "yesterday", "by": "client", "channel": "phone"}),
    (f"age-notices/{a_decision_ref(1)}", {}),
]


async def test_malformed_changes_are_refused_without_an_echo(courses):
    """Bad input changes nothing; 29 February of a common year is no day (E-18)."""
    course = await courses.a_course()
    for what, body in MALFORMED:
        answer = await courses.put(course, what, **body)
        problem = expect(422, answer)
        assert (problem["code"], bool(problem["errors"])) == ("VALIDATION", True), (what, body)
        assert "secret words" not in answer.text
    assert await courses.get(course) == course
    assert await courses.service.published(CourseChanged) == await courses.service.published(CourseRescheduled) == []


async def test_a_personal_identity_code_is_refused_in_every_change(courses):
    """E-59: not stored, not echoed, also not in a reason."""
    course = await courses.a_course()
    for what, body in (
        ("target-groups", {"target_groups": [HETU]}),
        ("periods", {"periods": PERIODS, "reason": f"Asiakas {HETU} ei pääse"}),
        ("periods", {"periods": PERIODS, "consents": [a_consent(decision_ref=HETU)]}),
        (f"age-notices/{HETU}", a_consent()),
    ):
        answer = await courses.put(course, what, **body)
        assert expect(422, answer)["code"] == "PERSONAL_IDENTITY_CODE"
        assert HETU not in answer.text


async def test_another_providers_course_is_not_there_to_be_changed(courses):
    """Security: row-level security is the second wall behind the token."""
    course = await courses.a_course(pinned=1)
    [pin] = await courses.pins_of(course)
    other = courses.service.http(Role.PROVIDER, OTHER_PROVIDER)
    system = courses.service.http(Role.SYSTEM)
    base = f"/courses/{course['course_id']}"
    commands: list[tuple[str, str, dict[str, Any] | None]] = [
        ("PUT", f"{base}/group-size", {"group_size": 8}),
        ("PUT", f"{base}/target-groups", {"target_groups": ["group_b"]}),
        ("PUT", f"{base}/periods", {"periods": PERIODS}),
        ("PUT", f"{base}/contact", {"email": "kurssit@sydankunto.fi", "phone": "+358171234567"}),
        ("DELETE", f"{base}/contact", None),
        ("POST", f"{base}/mixed-age", {"raising_not_possible": True}),
        ("PUT", f"{base}/age-notices/{pin['decision_ref']}", a_consent()),
    ]
    for method, path, body in commands:
        assert refusal(await other.request(method, path, json=body), 404)[0] == "COURSE_UNKNOWN"
        assert refusal(await system.request(method, path, json=body), 403)[0] == "NOT_ALLOWED"
    for listed in ("reschedulings", "age-notices"):
        assert refusal(await other.get(f"{base}/{listed}"), 404)[0] == "COURSE_UNKNOWN"
        assert (await system.get(f"{base}/{listed}")).status_code == 200
    assert await courses.get(course) == course


async def test_every_change_leaves_an_audit_row(courses):
    """Design, security: who and what."""
    course = await courses.a_course()
    expect(200, await courses.put(course, "group-size", group_size=8))
    expect(200, await courses.put(course, "target-groups", target_groups=["group_b"]))
    expect(200, await courses.reschedule(course, FIRST_DAY.replace(day=11)))
    async with courses.service.transaction() as tx:
        done = "SELECT action, subject, detail FROM audit WHERE action <> 'read_pins' ORDER BY id OFFSET 2"
        rows = await tx.fetch(done)
    assert {row["subject"] for row in rows} == {f"course:{course['course_id']}"}
    assert [row["action"] for row in rows] == [
        "resize_course",
        "retarget_course",
        "reschedule_course",
    ]
    assert rows[0]["detail"] == {"before": 12, "after": 8}
