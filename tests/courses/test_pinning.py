"""Pinning, unpinning and confirming against the real database."""

from datetime import date

import pytest

from contracts.courses import ClientPinned, ClientUnpinned, CourseConfirmed, CoursePlacesChanged
from contracts.decisions import DecisionAwaitsQuota
from contracts.values import DecisionState
from tests.courses.builders import OTHER_PROVIDER, a_decision, expect, refusal, revoked
from tests.courses.consistency import assert_consistent


async def test_a_pinned_client_takes_one_place(courses):
    """R-CRS-10, R-CRS-11."""
    course = await courses.a_course()
    decision = await courses.grant()
    answer = await courses.pin(course, decision)
    pin = expect(201, answer)
    assert (pin["state"], pin["version"], pin["pinned"], pin["free_places"]) == ("active", 1, 1, 11)
    assert answer.headers["rekku-known"] == f"pin:{decision.decision_ref}@1, course:{course['course_id']}@3"
    [places] = await courses.service.published(CoursePlacesChanged)
    assert (places.version, places.course.pinned, places.course.free_places) == (3, 1, 11)
    [event] = await courses.service.published(ClientPinned)
    assert (event.version, event.key, event.pin.course_id) == (1, decision.decision_ref, course["course_id"])
    await assert_consistent(courses.service)


async def test_five_may_not_confirm_six_may_seven_must_run_and_twelve_are_full(courses):
    """Acceptance example 3, R-CRS-22, R-CRS-23, R-CRS-14."""
    course = await courses.a_course(pinned=5)
    assert (course["may_confirm"], course["must_run"]) == (False, False)
    assert refusal(await courses.confirm(course)) == ("CONFIRM_TOO_FEW", {"pinned": 5, "needed": 6})
    sixth = expect(201, await courses.pin(course, await courses.grant()))
    assert (sixth["may_confirm"], sixth["must_run"]) == (True, False)
    assert expect(200, await courses.confirm(course))["state"] == "confirmed"
    assert refusal(await courses.confirm(course))[0] == "ALREADY_CONFIRMED"
    seventh = expect(201, await courses.pin(course, await courses.grant()))
    assert seventh["must_run"] is True
    assert (await courses.get(course))["must_run_since"] == "2024-01-15"
    for _ in range(5):
        expect(201, await courses.pin(course, await courses.grant()))
    assert refusal(await courses.pin(course, await courses.grant())) == ("COURSE_FULL", {"group_size": 12})
    [confirmed] = await courses.service.published(CourseConfirmed)
    assert (confirmed.course.pinned, confirmed.course.confirmed_on) == (6, date(2024, 1, 15))
    await assert_consistent(courses.service)


async def test_pinning_again_to_the_same_course_is_a_success_without_an_event(courses):
    """E-23."""
    course = await courses.a_course()
    decision = await courses.grant()
    first = expect(201, await courses.pin(course, decision))
    again = expect(200, await courses.pin(course, decision))
    assert again == first
    assert len(await courses.service.published(ClientPinned)) == 1


async def test_a_client_pinned_to_another_course_stays_and_the_provider_hears_where(courses):
    """E-23."""
    here, there = await courses.a_course(), await courses.a_course()
    decision = await courses.grant()
    await courses.pin(here, decision)
    code, values = refusal(await courses.pin(there, decision))
    assert code == "ALREADY_PINNED"
    assert values == {"course_id": here["course_id"], "course_number": here["course_number"]}


async def test_only_a_valid_decision_of_this_provider_and_service_gives_a_place(courses):
    """R-CRS-10: a provider cannot tell another provider's decision from an unknown one; an officer can."""
    course = await courses.a_course()
    assert refusal(await courses.pin(course, a_decision()))[0] == "DECISION_UNKNOWN"
    elsewhere = await courses.grant(provider_id=OTHER_PROVIDER)
    assert refusal(await courses.pin(course, elsewhere))[0] == "DECISION_UNKNOWN"
    body = {"decision_ref": elsewhere.decision_ref}
    by_officer = await courses.officer.post(f"/courses/{course['course_id']}/pins", json=body)
    assert refusal(by_officer) == ("OTHER_PROVIDER", {})
    heart = await courses.grant(service="CARDIAC_ADULT")
    assert refusal(await courses.pin(course, heart))[0] == "OTHER_SERVICE"
    waiting = a_decision(state=DecisionState.AWAITING_QUOTA)
    await courses.know(DecisionAwaitsQuota(version=1, decision=waiting))
    assert refusal(await courses.pin(course, waiting)) == ("DECISION_NOT_GRANTED", {"state": "awaiting_quota"})
    assert await courses.pins_of(course) == []


async def test_an_unpublished_course_takes_nobody(courses):
    """R-CRS-6."""
    course = await courses.create()
    assert refusal(await courses.pin(course, await courses.grant()))[0] == "NOT_PUBLISHED"


async def test_an_unpinned_client_frees_the_place_and_may_be_pinned_elsewhere(courses):
    """R-CRS-13: the versions of the decision's pin go on over all its courses."""
    here, there = await courses.a_course(), await courses.a_course()
    decision = await courses.grant()
    await courses.pin(here, decision)
    gone = expect(200, await courses.unpin(here, decision))
    assert (gone["state"], gone["reason"], gone["version"], gone["free_places"]) == ("released", "provider", 2, 12)
    assert refusal(await courses.unpin(here, decision), status=404)[0] == "NOT_PINNED"
    assert expect(201, await courses.pin(there, decision))["version"] == 3
    assert expect(201, await courses.pin(here, await courses.grant()))["version"] == 1
    events = await courses.pin_events(decision)
    assert [(type(event), event.version) for event in events] == [
        (ClientPinned, 1),
        (ClientUnpinned, 2),
        (ClientPinned, 3),
    ]
    assert [pin["state"] for pin in await courses.pins_of(here)] == ["released", "active"]
    await assert_consistent(courses.service)


async def test_stale_versions_of_courses_and_pins_are_refused(courses):
    """If-Match is the course's version when pinning and the pin's when unpinning."""
    course = await courses.a_course()
    decision = await courses.grant()
    path = f"/courses/{course['course_id']}/pins"
    body = {"decision_ref": decision.decision_ref}
    stale = await courses.provider.post(path, json=body, headers={"if-match": '"1"'})
    assert refusal(stale, status=412) == ("STALE_VERSION", {"current": 2})
    expect(201, await courses.provider.post(path, json=body, headers={"if-match": '"2"'}))
    stale = await courses.provider.delete(f"{path}/{decision.decision_ref}", headers={"if-match": '"2"'})
    assert refusal(stale, status=412) == ("STALE_VERSION", {"current": 1})
    expect(200, await courses.provider.delete(f"{path}/{decision.decision_ref}", headers={"if-match": '"1"'}))


async def test_a_course_shows_the_earliest_deadline_of_its_clients(courses):
    """R-CRS-25, E-44: recomputed on every pin and unpin."""
    course = await courses.a_course()
    assert course["confirm_by"] is None
    late = await courses.grant(confirm_by=date(2024, 8, 31))
    early = await courses.grant(confirm_by=date(2024, 6, 30))
    for decision in (late, early):
        await courses.pin(course, decision)
    assert (await courses.get(course))["confirm_by"] == "2024-06-30"
    [listed] = (await courses.provider.get("/courses")).json()["items"]
    assert listed["confirm_by"] == "2024-06-30"
    await courses.unpin(course, early)
    assert (await courses.get(course))["confirm_by"] == "2024-08-31"


async def pinnable(courses, **query):
    answer = await courses.provider.get("/pinnable-clients", params=query)
    return {item["decision_ref"]: item for item in expect(200, answer)["items"]}


async def test_the_list_of_pinnable_clients_says_why_somebody_is_not(courses):
    """E-25, R-CRS-45: applications that were never granted, and other providers' clients, are not listed."""
    course, other_course = await courses.a_course(), await courses.a_course()
    free, here, there, gone = [await courses.grant() for _ in range(4)]
    heart = await courses.grant(service="CARDIAC_ADULT")
    await courses.grant(provider_id=OTHER_PROVIDER)
    await courses.know(DecisionAwaitsQuota(version=1, decision=a_decision(state=DecisionState.AWAITING_QUOTA)))
    await courses.pin(course, here)
    await courses.pin(other_course, there)
    await courses.know(revoked(gone))
    listed = await pinnable(courses, course_id=course["course_id"])
    assert {ref: item["reason"] for ref, item in listed.items()} == {
        free.decision_ref: None,
        here.decision_ref: "pinned_here",
        there.decision_ref: "pinned_on_own_course",
        gone.decision_ref: "revoked",
        heart.decision_ref: "other_service",
    }
    assert listed[there.decision_ref]["course_number"] == other_course["course_number"]
    assert set(await pinnable(courses, pinnable=True)) == {free.decision_ref, heart.decision_ref}
    assert set(await pinnable(courses, service="CARDIAC_ADULT")) == {heart.decision_ref}


async def test_the_most_urgent_clients_come_first_page_by_page(courses):
    """E-44: by their deadline; those without one come last."""
    days = (date(2024, 7, 1), None, date(2024, 5, 1), date(2024, 6, 1), None)
    decisions = [await courses.grant(confirm_by=day) for day in days]
    seen, after = [], None
    while True:
        query = {"limit": 2, **({"after": after} if after else {})}
        page = expect(200, await courses.provider.get("/pinnable-clients", params=query))
        seen += [item["decision_ref"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [decisions[index].decision_ref for index in (2, 3, 0, 1, 4)]


@pytest.mark.parametrize("key", [None, "pin-once"])
async def test_a_pin_sent_twice_takes_one_place(courses, key):
    """E-23: with and without an Idempotency-Key."""
    course = await courses.a_course()
    body = {"decision_ref": (await courses.grant()).decision_ref}
    headers = {"idempotency-key": key} if key else {}
    answers = [
        await courses.provider.post(f"/courses/{course['course_id']}/pins", json=body, headers=headers)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201 if key else 200]
    assert (await courses.get(course))["pinned"] == 1
