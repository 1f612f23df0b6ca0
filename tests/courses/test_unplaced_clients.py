"""Telling Kela of clients for whom there is no course (R-CRS-16), and who may see what of moving clients."""

import asyncio

import asyncpg
import pytest

from chassis.auth import Principal, Role
from contracts.courses import ReportFiled
from contracts.values import ReportKind
from tests.courses.builders import OTHER_PROVIDER, PROVIDER, a_decision, expect, refusal, revoked


async def cannot_place(courses, decision, reason="no_course_fits"):
    path = f"/decisions/{decision.decision_ref}/cannot-place"
    return await courses.provider.post(path, json={"reason": reason})


async def test_kela_is_told_once_of_a_client_who_cannot_be_placed(courses):
    """R-CRS-16: again only after the client had a place and lost it."""
    course, decision = await courses.a_course(), await courses.grant()
    first = expect(201, await cannot_place(courses, decision))
    assert expect(200, await cannot_place(courses, decision, "cannot_create_course")) == first
    [told] = await courses.service.published(ReportFiled)
    assert (told.report_kind, told.decision_ref, told.course_id, told.report_id) == (
        ReportKind.CANNOT_PLACE_CLIENT,
        decision.decision_ref,
        None,
        first["report_id"],
    )
    await courses.pin(course, decision)
    assert refusal(await cannot_place(courses, decision)) == (
        "ALREADY_PINNED",
        {"course_id": course["course_id"], "course_number": course["course_number"]},
    )
    await courses.unpin(course, decision)
    again = expect(201, await cannot_place(courses, decision, "cannot_add_target_group"))
    assert again["reason"] == "cannot_add_target_group"
    assert len(await courses.service.published(ReportFiled)) == 2


async def test_kela_is_told_only_of_clients_it_decided_for(courses):
    """R-CRS-16: another provider's client is unknown."""
    gone, theirs = await courses.grant(), await courses.grant(provider_id=OTHER_PROVIDER)
    await courses.know(revoked(gone))
    assert refusal(await cannot_place(courses, gone))[0] == "DECISION_REVOKED"
    for unknown in (theirs, a_decision()):
        assert refusal(await cannot_place(courses, unknown), status=404)[0] == "DECISION_UNKNOWN"
    answer = await cannot_place(courses, await courses.grant(), "too far from home")
    assert refusal(answer, status=422)[0] == "VALIDATION"
    assert "too far" not in answer.text


async def test_two_who_tell_kela_at_once_tell_it_once(courses):
    """R-CRS-16: the decision's lock puts them in an order, and the key of the table holds without it."""
    for _ in range(10):
        decision = await courses.grant()
        answers = await asyncio.gather(*(cannot_place(courses, decision) for _ in range(6)))
        assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
        assert len({answer.json()["report_id"] for answer in answers}) == 1
    assert len(await courses.service.published(ReportFiled)) == 10


async def test_moves_and_reports_are_seen_by_their_provider_only(courses):
    """The second wall: row-level security on what this slice keeps."""
    here, there, decision = await courses.a_course(), await courses.a_course(), await courses.grant()
    await courses.pin(here, decision)
    expect(201, await courses.move(here, there, decision))
    expect(201, await cannot_place(courses, await courses.grant()))
    for table in ("client_moves", "unplaced_clients"):
        for principal, rows in (
            (Principal("officer", Role.OFFICER), 1),
            (Principal("worker", Role.PROVIDER, PROVIDER), 1),
            (Principal("worker", Role.PROVIDER, OTHER_PROVIDER), 0),
        ):
            async with courses.service.transaction(principal) as tx:
                assert await tx.fetchval(f"SELECT count(*) FROM {table}") == rows
        own = courses.service.transaction(Principal("worker", Role.PROVIDER, PROVIDER))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with own as tx:
                await tx.execute(f"UPDATE {table} SET provider_id = $1", OTHER_PROVIDER)
