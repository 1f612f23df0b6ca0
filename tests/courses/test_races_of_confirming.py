"""Confirming against unpinning at six (E-39), with a negative control."""

import asyncio

import asyncpg

from contracts.courses import ClientPinned, ClientUnpinned, CourseConfirmed
from contracts.refusals import Refusal
from services.courses import handlers, pinning, store
from tests.courses.builders import provider
from tests.courses.consistency import assert_consistent
from tests.races import count_waiting, take_away, until

DROP_ENOUGH_CHECK = "ALTER TABLE courses DROP CONSTRAINT courses_confirmed_with_enough"


async def confirm_while_unpinning(courses, monkeypatch, *, locking: bool):
    """With six pinned, unpinning comes between confirming's look and its save; (pins when confirmed, outcome)."""
    course = await courses.a_course(pinned=6)
    leaving = (await courses.pins_of(course))[0]["decision_ref"]
    load = store.lock_course if locking else store.get_course
    looked, unpinned = asyncio.Event(), asyncio.Event()

    async def unpinned_or_waiting():
        return unpinned.is_set() or await count_waiting(courses.service) > 0

    async def lock_course(tx, course_id):
        loaded = await load(tx, course_id)
        if tx.principal.subject == "confirming":
            looked.set()
            await until(unpinned_or_waiting)
        return loaded

    monkeypatch.setattr(store, "lock_course", lock_course)

    async def confirm():
        async def work(tx):
            return await handlers.confirm_course(tx, course["course_id"])

        return await courses.service.db.run(work, provider("confirming"))

    async def unpin():
        await looked.wait()

        async def work(tx):
            return await pinning.unpin_client(tx, course["course_id"], leaving)

        await courses.service.db.run(work, provider("unpinning"))
        unpinned.set()

    outcomes = await asyncio.gather(confirm(), unpin(), return_exceptions=True)
    return await pins_when_confirmed(courses), outcomes[0]


async def pins_when_confirmed(courses) -> int | None:
    """How many clients were pinned when the course was confirmed, in the order of the commits."""
    pinned = 0
    for event in await courses.service.published():
        pinned += isinstance(event, ClientPinned) - isinstance(event, ClientUnpinned)
        if isinstance(event, CourseConfirmed):
            return pinned
    return None


async def test_a_course_is_confirmed_with_six_and_then_has_five(courses, monkeypatch):
    """E-39, R-CRS-26: confirming came first, so unpinning waits; the course stays confirmed."""
    pinned, outcome = await confirm_while_unpinning(courses, monkeypatch, locking=True)
    assert pinned == 6
    [course] = (await courses.officer.get("/courses")).json()["items"]
    assert (course["state"], course["pinned"], outcome.pinned) == ("confirmed", 5, 6)
    await assert_consistent(courses.service)


async def test_without_the_lock_the_constraint_still_refuses_to_confirm_with_five(courses, monkeypatch):
    """E-39: what is pinned at the confirmation is stored under a CHECK, a second wall."""
    pinned, outcome = await confirm_while_unpinning(courses, monkeypatch, locking=False)
    assert pinned is None
    assert isinstance(outcome, asyncpg.CheckViolationError)


async def test_control_without_lock_and_constraint_five_are_enough_to_confirm(courses, monkeypatch):
    """E-39, negative control: the race is real."""
    await take_away(courses.service, DROP_ENOUGH_CHECK)
    pinned, outcome = await confirm_while_unpinning(courses, monkeypatch, locking=False)
    assert pinned == 5
    assert not isinstance(outcome, BaseException)


async def test_confirming_waits_for_unpinning_and_is_refused_with_five(courses, monkeypatch):
    """E-39, the other order: unpinning came first."""
    course = await courses.a_course(pinned=6)
    leaving = (await courses.pins_of(course))[0]["decision_ref"]
    load, looked = store.lock_course, asyncio.Event()

    async def somebody_waits():
        return await count_waiting(courses.service) > 0

    async def lock_course(tx, course_id):
        loaded = await load(tx, course_id)
        if tx.principal.subject == "unpinning":
            looked.set()
            await until(somebody_waits)
        return loaded

    monkeypatch.setattr(store, "lock_course", lock_course)

    async def unpin(tx):
        return await pinning.unpin_client(tx, course["course_id"], leaving)

    async def confirm():
        await looked.wait()
        await courses.service.db.run(
            lambda tx: handlers.confirm_course(tx, course["course_id"]), provider("confirming")
        )

    outcomes = await asyncio.gather(
        courses.service.db.run(unpin, provider("unpinning")), confirm(), return_exceptions=True
    )
    refused = outcomes[1]
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.values) == ("CONFIRM_TOO_FEW", {"pinned": 5, "needed": 6})
    assert (await courses.get(course))["state"] == "published"


async def test_confirm_and_unpin_at_six_never_end_with_a_confirmation_by_five(courses):
    """E-39, acceptance example 15: whatever wins, through HTTP and without a gate."""
    for _ in range(5):
        course = await courses.a_course(pinned=6)
        leaving = (await courses.pins_of(course))[0]["decision_ref"]
        confirmed, unpinned = await asyncio.gather(
            courses.confirm(course), courses.provider.delete(f"/courses/{course['course_id']}/pins/{leaving}")
        )
        assert unpinned.status_code == 200
        after = await courses.get(course)
        assert (confirmed.status_code, after["state"]) in ((200, "confirmed"), (409, "published"))
    await assert_consistent(courses.service)
    for event in await courses.service.published(CourseConfirmed):
        assert event.course.pinned == 6
