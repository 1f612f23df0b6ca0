"""Revocation, the follow-up, and our copies of courses and pins."""

import itertools

import pytest

from contracts.courses import CourseCancelled
from contracts.decisions import DecisionRevoked
from contracts.envelope import new_event_id
from contracts.values import CourseState, PinState, ReleaseReason
from tests.decisions.builders import (
    COURSE,
    a_course,
    a_pin,
    course_confirmed,
    expect,
    pinned,
    refusal,
    registered,
    unpinned,
)


async def test_a_revocation_needs_the_clients_own_notice(decisions):
    """R-DEC-16, E-57: without one there is no command."""
    granted = await decisions.grant()
    for body in (None, {}, {"client_notice": None}, {"client_notice": {"received_on": "2024-01-15"}}):
        answer = await decisions.officer.post(f"/decisions/{granted['decision_ref']}/revocation", json=body)
        assert refusal(answer, 422)[0] == "VALIDATION"
    assert await decisions.states(granted) == ["granted"]


async def test_a_revoked_decision_still_counts(decisions):
    """E-7: for its provider and its year, and as a new client."""
    granted = await decisions.grant()
    revoked = expect(200, await decisions.revoke(granted))
    assert (revoked["state"], revoked["version"]) == ("revoked", 2)
    assert await decisions.count() == (100, 1, 99)
    assert (await decisions.quota())["used"] == 1
    [event] = await decisions.service.published(DecisionRevoked)
    assert (event.version, event.decision.valid) == (2, False)
    assert refusal(await decisions.revoke(granted))[0] == "ALREADY_REVOKED"


async def test_a_notice_from_the_future_is_no_notice(decisions):
    """E-57."""
    granted = await decisions.grant()
    code, values = refusal(await decisions.revoke(granted, "2024-01-16"), 422)
    assert (code, values) == ("NOTICE_IN_FUTURE", {"received_on": "2024-01-16", "today": "2024-01-15"})


async def test_a_notice_says_whether_the_client_or_the_guardian_gave_it(decisions):
    """E-58: the client's own where nothing is said."""
    by_guardian, by_client = await decisions.grant(), await decisions.grant()
    notice = {"client_notice": {"received_on": "2024-01-15", "channel": "letter", "given_by": "guardian"}}
    path = f"/decisions/{by_guardian['decision_ref']}/revocation"
    expect(200, await decisions.officer.post(path, json=notice))
    expect(200, await decisions.revoke(by_client))
    async with decisions.service.transaction() as tx:
        rows = await tx.fetch("SELECT decision_ref, notice_given_by FROM decisions")
    assert dict(map(tuple, rows)) == {by_guardian["decision_ref"]: "guardian", by_client["decision_ref"]: "client"}


async def test_only_a_grant_can_be_revoked(decisions):
    """Section 7."""
    rejected = expect(201, await decisions.apply(outcome="rejected"))
    assert refusal(await decisions.revoke(rejected)) == ("NOT_GRANTED", {"state": "rejected"})


async def test_a_provider_cannot_revoke(decisions):
    """R-DEC-16: it may only file a concern."""
    granted = await decisions.grant()
    body = {"client_notice": {"received_on": "2024-01-15", "channel": "phone"}}
    answer = await decisions.provider.post(f"/decisions/{granted['decision_ref']}/revocation", json=body)
    assert refusal(answer, 403)[0] == "NOT_ALLOWED"


async def test_a_stale_version_changes_nothing(decisions):
    """If-Match."""
    granted = await decisions.grant()
    answer = await decisions.revoke(granted, **{"if-match": '"7"'})
    assert refusal(answer, 412) == ("STALE_VERSION", {"current": 1})
    expect(200, await decisions.revoke(granted, **{"if-match": '"1"'}))


async def test_the_database_keeps_no_revocation_without_a_notice(decisions):
    """R-DEC-16: what a constraint can hold, a constraint holds as well."""
    await decisions.grant()
    with pytest.raises(Exception, match="only_on_the_clients_own_notice"):
        await decisions.alter("UPDATE decisions SET state = 'revoked'")


async def test_the_follow_up_closes_when_the_course_is_confirmed(decisions):
    """R-CRS-19, E-21; section 3: Kela's follow-up keeps a row."""
    granted = await decisions.grant()
    ref = granted["decision_ref"]
    assert (await decisions.get(granted))["followup"] == {"pinned_to": None, "confirmed": False, "open": True}
    await decisions.know(pinned(ref), course_confirmed(state=CourseState.PUBLISHED))
    assert (await decisions.get(granted))["followup"] == {"pinned_to": COURSE, "confirmed": False, "open": True}
    await decisions.know(course_confirmed(version=2))
    assert (await decisions.get(granted))["followup"] == {"pinned_to": COURSE, "confirmed": True, "open": False}
    await decisions.know(unpinned(ref))
    assert (await decisions.get(granted))["followup"] == {"pinned_to": None, "confirmed": False, "open": True}
    expect(200, await decisions.revoke(granted))
    assert (await decisions.get(granted))["followup"]["open"] is False


async def test_the_follow_up_of_a_past_course_closes_when_it_took_place_and_reopens_when_it_did_not(decisions):
    """E-34, E-40, R-CRS-40: confirmed late counts as confirmed; without the course the deadline is open again."""
    there, nowhere = await decisions.grant(), await decisions.grant()
    await decisions.know(pinned(there["decision_ref"]), course_confirmed(state=CourseState.PUBLISHED))
    await decisions.know(course_confirmed(version=2, state=CourseState.RUNNING, late_confirmed=True))
    assert (await decisions.get(there))["followup"] == {"pinned_to": COURSE, "confirmed": True, "open": False}
    cancelled = {"course_id": "course-2", "state": CourseState.CANCELLED}
    await decisions.know(pinned(nowhere["decision_ref"], course_id="course-2"), course_confirmed(course_id="course-2"))
    assert (await decisions.get(nowhere))["followup"]["open"] is False
    await decisions.know(CourseCancelled(version=2, course=a_course(**cancelled)))
    reason = ReleaseReason.COURSE_CANCELLED
    await decisions.know(unpinned(nowhere["decision_ref"], course_id="course-2", reason=reason))
    assert (await decisions.get(nowhere))["followup"] == {"pinned_to": None, "confirmed": False, "open": True}


async def test_pins_and_courses_in_any_order_and_twice_end_the_same(decisions, new_service):
    """E-19, E-67: newer versions win; early arrivals wait; redelivery changes nothing."""
    granted = await decisions.grant()
    ref = granted["decision_ref"]
    moved = {"course_id": "course-2"}
    events = [
        pinned(ref, 1),
        unpinned(ref, 2),
        pinned(ref, 3, **moved),
        course_confirmed(version=5, **moved),
        course_confirmed(version=4, state=CourseState.PUBLISHED, **moved),
    ]
    expected = {"pinned_to": "course-2", "confirmed": True, "open": False}
    for order in itertools.islice(itertools.permutations(events), 0, 120, 7):
        await decisions.alter("DELETE FROM pins", "DELETE FROM courses")
        for event in order:
            event_id = new_event_id()
            await decisions.service.deliver(event, event_id=event_id)
            await decisions.service.deliver(event, event_id=event_id)
        assert (await decisions.get(granted))["followup"] == expected, [type(e).__name__ for e in order]


async def test_older_contracts_and_descriptions_change_nothing(decisions):
    """E-19: order by version, never by arrival."""
    await decisions.know(registered({2024: 5}, version=7), registered({2024: 3}, version=6))
    assert await decisions.count() == (5, 0, 5)


async def test_a_pin_of_an_unknown_decision_is_kept(decisions):
    """E-67: what arrives early is not an error."""
    await decisions.know(pinned("0000000000000"))
    async with decisions.service.transaction() as tx:
        assert await tx.fetchval("SELECT state FROM pins") == PinState.ACTIVE
    assert a_pin("x").course_id == COURSE


@pytest.mark.parametrize("by", ["client", "guardian"])
async def test_nobody_but_the_client_or_the_guardian_gives_notice(decisions, by):
    """E-57, E-58: on a family course the guardian speaks for the client; nobody else does."""
    granted = await decisions.grant()
    path = f"/decisions/{granted['decision_ref']}/revocation"
    notice = {"received_on": "2024-01-15", "channel": "letter", "given_by": "the provider"}
    assert refusal(await decisions.officer.post(path, json={"client_notice": notice}), 422)[0] == "VALIDATION"
    expect(200, await decisions.officer.post(path, json={"client_notice": notice | {"given_by": by}}))
    async with decisions.service.transaction() as tx:
        assert await tx.fetchval("SELECT notice_given_by FROM decisions") == by
