"""Bad input: a coded problem, nothing changed, nothing echoed."""

from typing import Any

from chassis.auth import Role
from tests.courses.builders import FIRST_DAY as DAY
from tests.courses.builders import PROVIDER, a_period, a_proposal, expect
from tests.decision_refs import a_decision_ref

HETU = "131052-308T"


MALFORMED: list[dict[str, Any]] = [
    {"group_size": 0},
    {"group_size": 10**9},
    {"group_size": "many"},
    {"group_size": 7.5},
    {"periods": []},
    {"periods": [a_period(DAY, 5, mode="by post")]},
    {"periods": [a_period(DAY, 5, mode="online", room="Sali")]},
    {"periods": [{"first_day": "2024-02-30", "last_day": "2024-03-01"}]},
    {"periods": [{"first_day": "9999-12-31", "last_day": "9999-12-31"}]},
    {"periods": [a_period(DAY, 5, mode="online")] * 31},
    {"target_groups": ["x" * 41]},
    {"target_groups": "group_a"},
    {"age_group": "a b"},
    {"contract_id": "x" * 65},
    {"contract_id": None},
    {"nickname": "Kevätkurssi"},
]
REQUIRED = ("contract_id", "office_id", "group_size", "periods")
WRONG_PARAMETERS = (
    "/courses?limit=0",
    "/courses?limit=501",
    "/courses?state=finished",
    "/courses?year=1",
    "/pinnable-clients?after=yesterday",
    "/pinnable-clients?pinnable=perhaps",
    "/place-ledgers/contract-1/abc",
    "/place-ledgers/contract-1/99999",
    "/courses/a%20b",
)


async def test_a_malformed_course_is_refused_without_an_echo(courses):
    for wrong in MALFORMED:
        answer = await courses.provider.post("/courses", json=a_proposal() | wrong)
        problem = expect(422, answer)
        assert problem["code"] == "VALIDATION", wrong
        assert problem["errors"], wrong
        for private in ("by post", "Sali", "Kevätkurssi", "xxxx", "many", "nul"):
            assert private not in answer.text
    assert expect(200, await courses.officer.get("/courses"))["items"] == []


async def test_a_course_without_a_required_field_is_refused(courses):
    """R-CRS-38."""
    for missing in REQUIRED:
        body = a_proposal()
        del body[missing]
        problem = expect(422, await courses.provider.post("/courses", json=body))
        assert (problem["code"], problem["errors"][0]["field"]) == ("VALIDATION", f"body.{missing}")


async def test_impossible_periods_are_refused(courses):
    overlapping = [a_period(DAY, 5, mode="online"), a_period(DAY, 5, mode="online")]
    backwards = [{"first_day": "2024-03-05", "last_day": "2024-03-04", "mode": "online"}]
    for periods, code in ((overlapping, "PERIODS_OVERLAP"), (backwards, "PERIOD_BACKWARDS")):
        answer = await courses.provider.post("/courses", json=a_proposal(periods=periods))
        assert expect(422, answer)["code"] == code


async def test_a_personal_identity_code_is_refused_wherever_it_stands(courses):
    """E-59: not stored, not echoed."""
    course = await courses.a_course()
    pins = f"/courses/{course['course_id']}/pins"
    for answer in (
        await courses.provider.post(pins, json={"decision_ref": HETU}),
        await courses.provider.delete(f"{pins}/{HETU}"),
        await courses.provider.post("/courses", json=a_proposal(age_group=HETU)),
        await courses.provider.get("/pinnable-clients", params={"service": HETU}),
        await courses.provider.post(pins, json={"decision_ref": a_decision_ref(1)}, headers={"idempotency-key": HETU}),
    ):
        assert expect(422, answer)["code"] == "PERSONAL_IDENTITY_CODE"
        assert HETU not in answer.text


async def test_unknown_courses_are_not_found(courses):
    for path in ("/courses/nowhere", "/courses/nowhere/pins"):
        assert expect(404, await courses.provider.get(path))["code"] == "COURSE_UNKNOWN"


async def test_wrong_parameters_are_refused(courses):
    for path in WRONG_PARAMETERS:
        assert expect(422, await courses.provider.get(path))["code"] == "VALIDATION", path


async def test_an_impossible_day_in_a_cursor_is_refused(courses):
    answer = await courses.provider.get("/pinnable-clients", params={"after": "2024-02-31/D-1"})
    assert expect(422, answer)["code"] == "CURSOR_INVALID"


async def test_commands_need_a_provider_or_an_officer(courses):
    assert (await courses.service.http(None).post("/courses", json=a_proposal())).status_code == 401
    system = courses.service.http(Role.SYSTEM)
    assert expect(403, await system.post("/courses", json=a_proposal()))["code"] == "NOT_ALLOWED"
    assert expect(200, await system.get("/courses"))["items"] == []


async def test_every_command_leaves_an_audit_row(courses):
    """Design, security: who, what, on whose behalf."""
    course = await courses.a_course(pinned=1)
    async with courses.service.transaction() as tx:
        rows = await tx.fetch("SELECT action, subject, on_behalf_of, route FROM audit ORDER BY id")
    assert [(row["action"], row["route"]) for row in rows] == [
        ("create_course", "POST /courses"),
        ("publish_course", "POST /courses/{course_id}/publication"),
        ("pin_client", "POST /courses/{course_id}/pins"),
    ]
    assert rows[0]["subject"] == f"course:{course['course_id']}"
    assert {row["on_behalf_of"] for row in rows} == {PROVIDER}
