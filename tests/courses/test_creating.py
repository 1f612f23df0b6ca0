"""Creating and publishing courses against the real database."""

import asyncio
from datetime import date
from typing import Any

import pytest

from chassis.auth import Role
from contracts.courses import CourseCreated, CoursePublished
from contracts.registration import OfficeChanged
from contracts.values import CourseState
from tests.courses.builders import (
    CONTRACT,
    OTHER_PROVIDER,
    PROVIDER,
    a_description,
    a_proposal,
    contract_registered,
    count_changed,
    descriptions_published,
    expect,
    office_registered,
    refusal,
)
from tests.courses.consistency import assert_consistent


async def test_places_are_taken_from_the_year_of_the_first_day(empty_courses):
    """Acceptance example 1 (creation), R-CRS-2: 24 announced for 2026, 12 + 12, then 6 more do not fit."""
    await empty_courses.start({2025: 100, 2026: 24})
    in_2026 = date(2026, 3, 2)
    for _ in range(2):
        await empty_courses.create(group_size=12, first_day=in_2026)
    refused = await empty_courses.provider.post("/courses", json=a_proposal(group_size=6, first_day=in_2026))
    assert refusal(refused) == (
        "PLACE_LEDGER_FULL",
        {"year": 2026, "announced": 24, "reserved": 24, "free": 0, "requested": 6},
    )
    assert await empty_courses.ledger(2026) == (24, 24, 0)
    assert await empty_courses.ledger(2025) == (100, 0, 100)
    await assert_consistent(empty_courses.service)


async def test_a_raised_count_makes_room(empty_courses):
    """R-REG-9: raising takes effect as soon as it is heard of."""
    await empty_courses.start({2024: 12})
    await empty_courses.create(group_size=12)
    refused = await empty_courses.provider.post("/courses", json=a_proposal(group_size=6))
    assert refusal(refused)[0] == "PLACE_LEDGER_FULL"
    await empty_courses.know(count_changed({2024: 18}, version=2))
    await empty_courses.create(group_size=6)
    assert await empty_courses.ledger() == (18, 18, 0)


async def test_counts_merge_by_version_and_not_by_arrival(empty_courses):
    """E-67: a late older announcement, or the same one twice, changes nothing."""
    await empty_courses.start({2024: 12})
    newest = count_changed({2024: 24}, version=3)
    await empty_courses.know(newest, count_changed({2024: 18}, version=2), newest)
    assert await empty_courses.ledger() == (24, 0, 24)


async def test_nothing_announced_is_no_room(empty_courses):
    """R-CRS-33: next year's places need next year's count."""
    await empty_courses.start({2024: 100})
    refused = await empty_courses.provider.post("/courses", json=a_proposal(first_day=date(2025, 1, 7)))
    assert refusal(refused)[1] == {"year": 2025, "announced": 0, "reserved": 0, "free": 0, "requested": 12}
    assert await empty_courses.ledger(2025) == (0, 0, 0)


async def test_a_course_is_created_whole_and_can_be_referred_to(courses):
    """R-CRS-1, R-CRS-4, R-CRS-6, R-CRS-7."""
    course = await courses.create(target_groups=["group_b", "group_a"])
    assert (course["state"], course["free_places"], course["year"]) == ("created", 12, 2024)
    assert course["course_number"] >= 1001
    assert [period["kind"] for period in course["periods"]] == ["opening", "closing"]
    [created] = await courses.service.published(CourseCreated)
    assert created.version == course["version"] == 1
    assert created.course.state is CourseState.CREATED
    assert created.course.course_number == course["course_number"]
    assert created.course.target_groups == ("group_b", "group_a")
    assert await courses.get(course) == course


async def test_a_refused_course_leaves_nothing_behind(courses):
    """R-CRS-38: all or nothing."""
    refused: list[dict[str, Any]] = [
        {"group_size": 13},
        {"target_groups": []},
        {"first_day": date(2024, 1, 14)},
        {"age_group": "old"},
    ]
    for wrong in refused:
        answer = await courses.provider.post("/courses", json=a_proposal(**wrong))
        assert answer.status_code == 409, answer.text
    assert (await courses.officer.get("/courses")).json() == {"items": [], "next": None}
    assert await courses.ledger() == (100, 0, 100)
    assert await courses.service.published() == []


async def test_course_numbers_are_never_given_twice(courses):
    """R-CRS-7: also when many are created at once."""
    created = await asyncio.gather(*(courses.create(group_size=6) for _ in range(8)))
    assert len({course["course_number"] for course in created}) == 8
    assert (await courses.ledger())[1] == 48
    await assert_consistent(courses.service)


async def test_a_course_waits_for_what_has_not_arrived_yet(empty_courses):
    """E-67: a contract may be heard of before the service description."""
    await empty_courses.know(contract_registered({2024: 12}), office_registered())
    answer = await empty_courses.provider.post("/courses", json=a_proposal())
    assert refusal(answer, status=503)[0] == "NOT_YET_KNOWN"
    assert answer.headers["retry-after"]
    await empty_courses.know(descriptions_published())
    await empty_courses.create()


async def test_the_description_in_force_today_counts(courses):
    """E-13: a description of the future does not bind yet, an older announcement of them is ignored."""
    tomorrow = a_description(description_version=2, valid_from=date(2024, 1, 16), group_min=3, group_max=4)
    today = a_description(valid_to=date(2024, 1, 15))
    await courses.know(descriptions_published(today, tomorrow, version=2), descriptions_published(version=1))
    course = await courses.create(group_size=12)
    await courses.clock.set(courses.clock.now.replace(day=16))
    assert (await courses.create(group_size=4))["group_max"] == 4
    assert (await courses.get(course))["group_max"] == 12


async def test_a_service_without_a_description_in_force_has_no_courses(courses):
    await courses.know(descriptions_published(a_description(valid_to=date(2024, 1, 14)), version=2))
    answer = await courses.provider.post("/courses", json=a_proposal())
    assert refusal(answer)[0] == "NO_DESCRIPTION_IN_FORCE"


async def test_unknown_contracts_and_offices_are_refused(courses):
    for wrong, code in (({"contract_id": "nowhere"}, "CONTRACT_UNKNOWN"), ({"office_id": "nowhere"}, "OFFICE_UNKNOWN")):
        assert refusal(await courses.provider.post("/courses", json=a_proposal(**wrong)))[0] == code


async def test_the_office_is_of_the_same_provider(courses):
    """An officer sees both providers, and still may not mix them."""
    await courses.know(office_registered(office_id="office-9", provider_id=OTHER_PROVIDER))
    answer = await courses.officer.post("/courses", json=a_proposal(office_id="office-9"))
    assert refusal(answer)[0] == "OFFICE_OF_OTHER_PROVIDER"


async def test_offices_merge_by_version(courses):
    await courses.know(office_registered(version=3, open=False), office_registered(version=2))
    assert refusal(await courses.provider.post("/courses", json=a_proposal()))[0] == "OFFICE_CLOSED"


async def test_a_changed_office_is_merged_like_a_registered_one(courses):
    """P2: a newer version wins, whatever the event is called."""
    closed = OfficeChanged(version=2, office=office_registered(open=False).office)
    await courses.know(closed, office_registered())
    assert refusal(await courses.provider.post("/courses", json=a_proposal()))[0] == "OFFICE_CLOSED"


async def test_publishing_shows_the_course_once_and_for_good(courses):
    """R-CRS-8, R-CRS-9."""
    course = await courses.create()
    answer = await courses.provider.post(f"/courses/{course['course_id']}/publication")
    assert expect(200, answer)["state"] == "published"
    assert answer.headers["etag"] == '"2"'
    assert answer.headers["rekku-known"] == f"course:{course['course_id']}@2"
    again = await courses.provider.post(f"/courses/{course['course_id']}/publication")
    assert refusal(again) == ("ALREADY_PUBLISHED", {"course_number": course["course_number"]})
    [published] = await courses.service.published(CoursePublished)
    assert (published.version, published.course.state) == (2, CourseState.PUBLISHED)


async def test_a_contract_that_ended_publishes_no_more(courses):
    """E-45."""
    course = await courses.create()
    await courses.know(contract_registered({2024: 100}, version=2, valid_to=date(2024, 1, 14)))
    answer = await courses.provider.post(f"/courses/{course['course_id']}/publication")
    assert refusal(answer) == ("CONTRACT_NOT_VALID", {"valid_from": "2023-01-01", "valid_to": "2024-01-14"})


@pytest.mark.parametrize("path", ["publication", "confirmation"])
async def test_a_stale_version_changes_nothing(courses, path):
    course = await courses.create()
    answer = await courses.provider.post(f"/courses/{course['course_id']}/{path}", headers={"if-match": '"7"'})
    assert refusal(answer, status=412) == ("STALE_VERSION", {"current": 1})
    assert (await courses.get(course))["state"] == "created"


async def test_a_creation_sent_twice_happens_once(courses):
    """E-23: the same Idempotency-Key, and with another body."""
    key = {"idempotency-key": "one-course"}
    first = await courses.provider.post("/courses", json=a_proposal(), headers=key)
    again = await courses.provider.post("/courses", json=a_proposal(), headers=key)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    other = await courses.provider.post("/courses", json=a_proposal(group_size=6), headers=key)
    assert refusal(other, status=422)[0] == "IDEMPOTENCY_KEY_REUSED"
    assert (await courses.ledger())[1] == 12


async def test_courses_are_listed_page_by_page(courses):
    made = [await courses.create(group_size=6) for _ in range(3)]
    await courses.provider.post(f"/courses/{made[1]['course_id']}/publication")
    first = expect(200, await courses.provider.get("/courses", params={"limit": 2, "contract_id": CONTRACT}))
    rest = expect(200, await courses.provider.get("/courses", params={"limit": 2, "after": first["next"]}))
    numbers = [course["course_number"] for course in first["items"] + rest["items"]]
    assert numbers == [course["course_number"] for course in made]
    assert rest["next"] is None
    published = expect(200, await courses.provider.get("/courses", params={"state": "published", "year": 2024}))
    assert [course["course_id"] for course in published["items"]] == [made[1]["course_id"]]
    assert expect(200, await courses.provider.get("/courses", params={"year": 2025}))["items"] == []


async def test_a_provider_may_say_what_it_knows(empty_courses, request):
    """Design, deciding on copies: the command waits for the copy, else NOT_YET_KNOWN."""
    await empty_courses.start()
    knowing = {"rekku-known": f"contract:{CONTRACT}@2, office:office-1@1, service:RARE_CONNECTIVE_ADULT@1"}
    waiting = asyncio.create_task(empty_courses.provider.post("/courses", json=a_proposal(), headers=knowing))
    await empty_courses.know(count_changed({2024: 24}, version=2))
    course = expect(201, await waiting)
    own = {"rekku-known": f"course:{course['course_id']}@1"}
    expect(200, await empty_courses.provider.get("/courses", headers=own))
    request.getfixturevalue("impatient")
    ahead = {"rekku-known": "decision:D-0@1, pin:D-0@1"}
    assert refusal(await empty_courses.provider.get("/courses", headers=ahead), status=503)[0] == "NOT_YET_KNOWN"


async def test_another_providers_things_do_not_exist(courses):
    """Security: row-level security is the second wall behind the token."""
    course = await courses.a_course(pinned=1)
    [pin] = await courses.pins_of(course)
    other = courses.service.http(Role.PROVIDER, OTHER_PROVIDER)
    base = f"/courses/{course['course_id']}"
    for answer in (
        await other.get(base),
        await other.get(f"{base}/pins"),
        await other.post(f"{base}/publication"),
        await other.post(f"{base}/confirmation"),
        await other.post(f"{base}/pins", json={"decision_ref": pin["decision_ref"]}),
        await other.delete(f"{base}/pins/{pin['decision_ref']}"),
        await other.get("/pinnable-clients", params={"course_id": course["course_id"]}),
    ):
        assert refusal(answer, status=404)[0] == "COURSE_UNKNOWN"
    assert refusal(await other.get(f"/place-ledgers/{CONTRACT}/2024"), status=404)[0] == "CONTRACT_UNKNOWN"
    assert refusal(await other.post("/courses", json=a_proposal()))[0] == "CONTRACT_UNKNOWN"
    for listed in ("/courses", "/pinnable-clients"):
        assert expect(200, await other.get(listed))["items"] == []
        asked = expect(200, await other.get("/pinnable-clients", params={"provider_id": PROVIDER}))
        assert asked["items"] == []
    assert len(await courses.pins_of(course, "active")) == 1
