"""The gauge: what decisions and courses use up, however their events arrive."""

import itertools
import random
from datetime import date

import pytest

from chassis.auth import Role
from contracts.courses import CourseCancelled, CourseDeleted, CoursePlacesChanged, CoursePublished
from contracts.envelope import new_event_id
from contracts.values import CourseState, DecisionState
from services.registration import store
from tests.registration.builders import (
    OURS,
    THEIRS,
    a_course,
    a_grant,
    announce,
    annulled,
    registered_contract,
    revoked,
    year_of,
)


def changed(course, event, **differences):
    return event(version=course.version + 1, course=course.course.model_copy(update=differences))


async def test_decisions_and_places_fill_two_ledgers(registration):
    """R-DEC-3, E-1: 2 of 24 decisions and 8 of 24 places are used."""
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 24)
    await registration.deliver(a_grant(contract_id), a_grant(contract_id), a_course(contract_id, group_size=8))
    assert await year_of(registration, contract_id, 2024) == {
        "year": 2024,
        "announced": 24,
        "state": "announced",
        "decisions_used": 2,
        "decisions_left": 22,
        "decisions_overdrawn": 0,
        "places_used": 8,
        "places_left": 16,
        "places_overdrawn": 0,
    }


async def test_a_december_decision_and_a_march_course_count_in_two_years(registration):
    """E-1, R-DEC-6: the decision in the year it was given, the places in the year the course begins."""
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 10)
    await announce(registration, contract_id, 2025, 12)
    await registration.deliver(
        a_grant(contract_id, decided_on=date(2024, 12, 30)), a_course(contract_id, first_day=date(2025, 3, 3))
    )
    this_year, next_year = [await year_of(registration, contract_id, year) for year in (2024, 2025)]
    assert (this_year["decisions_left"], this_year["places_left"]) == (9, 10)
    assert (next_year["decisions_left"], next_year["places_left"]) == (12, 4)


async def test_a_revoked_decision_still_counts(registration):
    """E-7: the slot of a revoked grant is not given again."""
    contract_id = await registered_contract(registration)
    grant = a_grant(contract_id)
    await registration.deliver(grant, revoked(grant))
    assert (await year_of(registration, contract_id, 2024))["decisions_used"] == 1


async def test_an_annulled_decision_gives_its_slot_back(registration):
    """E-7: in whatever order the grant and its annulment come, and however often."""
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 5)
    grant, late = a_grant(contract_id), a_grant(contract_id)
    await registration.deliver(grant, a_grant(contract_id))
    assert (await year_of(registration, contract_id, 2024))["decisions_left"] == 3
    await registration.deliver(annulled(late), annulled(grant), grant, late, annulled(grant))
    gauge = await year_of(registration, contract_id, 2024)
    assert (gauge["decisions_used"], gauge["decisions_left"]) == (1, 4)


async def test_a_deleted_course_gives_its_places_back(registration):
    """R-CRS-37, and section 10 example 1: 12 + 12 of 24, one of them deleted."""
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 24)
    first, second = a_course(contract_id, group_size=12), a_course(contract_id, group_size=12)
    await registration.deliver(first, second)
    assert (await year_of(registration, contract_id, 2024))["places_left"] == 0
    await registration.deliver(changed(second, CourseDeleted, state=CourseState.DELETED, holds_places=False))
    assert (await year_of(registration, contract_id, 2024))["places_left"] == 12


async def test_a_course_cancelled_before_it_began_gives_its_places_back_and_one_that_had_begun_keeps_them(registration):
    """E-34, E-1: the course itself says whether it still holds its places."""
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 24)
    early, late = a_course(contract_id, group_size=12), a_course(contract_id, group_size=12)
    cancelled = {"state": CourseState.CANCELLED}
    await registration.deliver(
        early,
        late,
        changed(early, CourseCancelled, **cancelled, holds_places=False),
        changed(late, CourseCancelled, **cancelled),
    )
    assert (await year_of(registration, contract_id, 2024))["places_left"] == 12


async def test_a_course_moved_to_next_year_takes_its_places_along(registration):
    """E-37, E-1: the places leave one year and appear in the other."""
    contract_id = await registered_contract(registration)
    course = a_course(contract_id, group_size=8)
    await registration.deliver(course, changed(course, CoursePlacesChanged, year=2025))
    answer = await registration.http().get(f"/contracts/{contract_id}")
    assert [(each["year"], each["places_used"]) for each in answer.json()["years"]] == [(2025, 8)]


async def test_an_overdrawn_count_leaves_nothing_free(registration):
    """E-3: what is left is never negative."""
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 1)
    await registration.deliver(*(a_grant(contract_id) for _ in range(3)))
    gauge = await year_of(registration, contract_id, 2024)
    assert (gauge["decisions_used"], gauge["decisions_left"], gauge["decisions_overdrawn"]) == (3, 0, 2)


async def test_the_same_event_again_counts_once(registration):
    """E-67: once by its id, and once more by the version when another id brings the same news."""
    contract_id = await registered_contract(registration)
    grant, course, event_id = a_grant(contract_id), a_course(contract_id), new_event_id()
    await registration.deliver(grant, event_id=event_id)
    await registration.deliver(grant, event_id=event_id)
    await registration.deliver(grant, course, course)
    gauge = await year_of(registration, contract_id, 2024)
    assert (gauge["decisions_used"], gauge["places_used"]) == (1, 8)


async def test_every_order_of_a_courses_events_ends_in_the_same_gauge(registration):
    """E-67: the newer version wins, whichever comes last."""
    contract_id = await registered_contract(registration)
    for order in itertools.permutations(range(3)):
        created = a_course(contract_id, group_size=6)
        grown = changed(created, CoursePublished, group_size=10)
        deleted = changed(grown, CoursePlacesChanged, state=CourseState.DELETED)
        events = (created, grown, deleted)
        await registration.deliver(*(events[index] for index in order[:2]))
        newest = max(order[:2])
        places = (await registration.http().get(f"/contracts/{contract_id}")).json()["years"]
        assert sum(each["places_used"] for each in places) == (6, 10, 0)[newest]
        await registration.deliver(events[order[2]])
        assert (await registration.http().get(f"/contracts/{contract_id}")).json()["years"] == []


@pytest.mark.parametrize("seed", range(5))
async def test_repeated_and_shuffled_events_end_in_the_same_gauge(registration, seed):
    """E-67, E-7: 40 decisions and 12 courses with all their changes, in any order, one in three twice."""
    dice = random.Random(seed)
    contract_id = await registered_contract(registration)
    grants = [a_grant(contract_id) for _ in range(40)]
    courses = [a_course(contract_id, group_size=dice.randint(6, 12)) for _ in range(12)]
    revocations = [revoked(grant) for grant in grants[::4]]
    deletions = [changed(course, CoursePlacesChanged, state=CourseState.DELETED) for course in courses[::3]]
    events = [*grants, *courses, *revocations, *deletions]
    events += [event for event in events if dice.random() < 1 / 3]
    dice.shuffle(events)
    by_topic = sorted(events, key=lambda event: event.topic)
    for topic, batch in itertools.groupby(by_topic, key=lambda event: event.topic):
        records = [registration.record_of(event) for event in batch]
        assert {record.topic for record in records} == {topic}
        await registration.deliver_records(*records)
    gauge = await year_of(registration, contract_id, 2024)
    assert gauge["decisions_used"] == 40
    kept = [course.course.group_size for index, course in enumerate(courses) if index % 3]
    assert gauge["places_used"] == sum(kept)


async def test_without_the_version_guard_an_old_event_would_win(registration, monkeypatch):
    """Negative control: merged by arrival instead of by version, a late event brings a deleted course back."""
    contract_id = await registered_contract(registration)
    created = a_course(contract_id, group_size=6)
    deleted = changed(created, CoursePlacesChanged, state=CourseState.DELETED)
    guarded = store.set_courses

    async def by_arrival(tx, copies):
        await tx.execute(
            "UPDATE courses SET version = 0 WHERE course_id = ANY($1)", [each.course_id for each in copies]
        )
        await guarded(tx, copies)

    monkeypatch.setattr(store, "set_courses", by_arrival)
    await registration.deliver(deleted, created)
    assert (await year_of(registration, contract_id, 2024))["places_used"] == 6


async def test_events_that_come_before_their_contract_are_counted_when_it_is_there(registration):
    """E-67: another topic may be faster."""
    await registration.deliver(a_grant("contract-of-later"), a_course("contract-of-later"))
    async with registration.transaction() as tx:
        assert await store.count_decisions(tx, ["contract-of-later"]) == {"contract-of-later": {2024: 1}}
        assert await store.count_places(tx, ["contract-of-later"]) == {"contract-of-later": {2024: 8}}


async def test_a_decision_that_was_never_given_uses_nothing(registration):
    """E-54: a snapshot without a date of grant holds no slot."""
    contract_id = await registered_contract(registration)
    await registration.deliver(a_grant(contract_id, decided_on=None, state=DecisionState.AWAITING_QUOTA))
    assert (await registration.http().get(f"/contracts/{contract_id}")).json()["years"] == []


@pytest.mark.usefixtures("impatient")
async def test_a_gauge_can_be_asked_for_with_what_the_caller_knows(registration):
    """Rekku-Known: a copy that is behind answers NOT_YET_KNOWN, one that has caught up answers."""
    contract_id = await registered_contract(registration)
    grant = a_grant(contract_id)
    known = {"rekku-known": f"decision:{grant.key}@1"}
    provider = registration.http(Role.PROVIDER, OURS)
    behind = await provider.get(f"/contracts/{contract_id}", headers=known)
    assert (behind.status_code, behind.json()["code"]) == (503, "NOT_YET_KNOWN")
    assert behind.headers["retry-after"] == "1"
    await registration.deliver(grant)
    caught_up = await provider.get(f"/contracts/{contract_id}", headers=known)
    assert caught_up.json()["years"][0]["decisions_used"] == 1


async def test_a_gauge_counts_its_own_contract_only(registration):
    """E-4: two providers, two gauges."""
    ours = await registered_contract(registration)
    theirs = await registered_contract(registration, provider_id=THEIRS)
    await registration.deliver(a_grant(ours), a_grant(theirs, provider_id=THEIRS), a_grant(theirs, provider_id=THEIRS))
    items = (await registration.http().get("/contracts")).json()["items"]
    assert {each["contract_id"]: each["years"][0]["decisions_used"] for each in items} == {ours: 1, theirs: 2}
