"""One locked course: a hundred commands wait for it, and nobody else does."""

import asyncio

import httpx
import pytest

from chassis import db, turns
from tests.chassis.test_bus import until
from tests.courses.builders import CONTRACT, a_proposal, expect

PINS = 100


def in_use(courses) -> int:
    pool = courses.service.db.pool
    return pool.get_size() - pool.get_idle_size()


async def locked(courses, course, pins: int = PINS):
    """A transaction that holds the course's row, and the pins that want it: all of them wait."""
    decisions = [await courses.grant() for _ in range(pins)]
    own = courses.service.transaction()
    tx = await own.__aenter__()
    await tx.execute("SELECT FROM courses WHERE course_id = $1 FOR UPDATE", course["course_id"])
    return own, [asyncio.create_task(courses.pin(course, decision)) for decision in decisions]


async def stranger_answered(courses, course) -> list[int]:
    """A read, a command on another course, and the probe."""
    answers: list[httpx.Response] = await asyncio.gather(
        courses.officer.get(f"/courses/{course['course_id']}"),
        courses.pin(course, await courses.grant()),
        courses.officer.get("/readyz"),
    )
    return [answer.status_code for answer in answers]


async def wait_for_the_lock(courses, how_many: int) -> None:
    async def so_many_hold_a_connection() -> bool:
        return in_use(courses) >= how_many + 1

    await until(so_many_hold_a_connection)


@pytest.fixture
async def two_courses(courses):
    return await courses.a_course(group_size=12), await courses.a_course(group_size=12)


async def test_a_hundred_pins_on_a_locked_course_hold_two_connections(courses, two_courses):
    wanted, other = two_courses
    own, pins = await locked(courses, wanted)
    await wait_for_the_lock(courses, 2)
    assert await stranger_answered(courses, other) == [200, 201, 200]
    assert not any(pin.done() for pin in pins)
    assert in_use(courses) <= 2 + 1, "two of the pins, and the transaction that has the lock"
    await own.__aexit__(None, None, None)
    statuses = [answer.status_code for answer in await asyncio.gather(*pins)]
    assert (statuses.count(201), statuses.count(409)) == (12, PINS - 12)


async def test_who_waits_too_long_for_its_turn_is_to_try_again(courses, two_courses, monkeypatch):
    monkeypatch.setattr(turns, "TURN_WITHIN_S", 0.3)
    own, pins = await locked(courses, two_courses[0], 10)
    done, waiting = await asyncio.wait(pins, timeout=4, return_when=asyncio.ALL_COMPLETED)
    assert len(waiting) == turns.MOST_AT_ONCE
    for answer in [task.result() for task in done]:
        assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
        assert int(answer.headers["retry-after"]) >= 1
    await own.__aexit__(None, None, None)
    assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {201}


async def test_control_without_turns_they_hold_all_and_a_stranger_is_to_try_again(courses, two_courses, monkeypatch):
    """The probe has a connection of its own, and stays green."""
    most = courses.service.db.pool.get_max_size()
    monkeypatch.setattr(turns, "MOST_AT_ONCE", PINS)
    monkeypatch.setattr(turns, "BRIEFLY", "5s")
    courses.service.runtime.turns = turns.Turns(PINS)
    wanted, other = two_courses
    decision = await courses.grant()
    own, pins = await locked(courses, wanted, most)
    await wait_for_the_lock(courses, most - 1)
    monkeypatch.setattr(db, "CONNECTION_WITHIN_S", 0.3)
    read, command, probe = await asyncio.gather(
        courses.officer.get(f"/courses/{other['course_id']}"),
        courses.pin(other, decision),
        courses.officer.get("/readyz"),
    )
    assert (read.status_code, command.status_code, probe.status_code) == (503, 503, 200)
    assert read.headers["retry-after"]
    await own.__aexit__(None, None, None)
    await asyncio.gather(*pins)


DRAFTS = 30


async def drafts_of_a_locked_contract(courses):
    """A transaction that holds the contract's places, and drafts whose completions want them: each finds out alone."""
    whole = {name: value for name, value in a_proposal().items() if name != "contract_id"}
    drafts = [
        expect(
            201,
            await courses.officer.post(
                "/legacy-drafts",
                json={"legacy_ref": f"{n}", "contract_id": CONTRACT, "saved_on": "2024-09-27", "known": {}},
            ),
        )
        for n in range(DRAFTS)
    ]
    own = courses.service.transaction()
    tx = await own.__aenter__()
    await tx.execute("SELECT FROM place_ledgers WHERE contract_id = $1 FOR UPDATE", CONTRACT)
    paths = [f"/legacy-drafts/{draft['draft_id']}/completion" for draft in drafts]
    return own, [asyncio.create_task(courses.provider.post(path, json=whole)) for path in paths]


async def test_what_is_found_to_be_locked_only_after_loading_leaves_strangers_connections_too(courses, two_courses):
    """No queue knows that these commands want one row: they meet it one by one."""
    own, completions = await drafts_of_a_locked_contract(courses)
    await wait_for_the_lock(courses, 2)
    assert await stranger_answered(courses, two_courses[1]) == [200, 201, 200]
    assert not any(completion.done() for completion in completions)
    most_of_commands = courses.service.settings.pool_size - turns.LEFT_FOR_OTHERS
    assert in_use(courses) <= most_of_commands + 1
    await own.__aexit__(None, None, None)
    statuses = [answer.status_code for answer in await asyncio.gather(*completions)]
    assert set(statuses) <= {201, 409}
    assert 201 in statuses


async def test_control_where_all_of_them_wait_for_the_lock_strangers_wait_with_them(courses, two_courses, monkeypatch):
    courses.service.runtime.turns = turns.Turns(PINS)
    monkeypatch.setattr(turns, "BRIEFLY", "5s")
    monkeypatch.setattr(turns, "HURRIEDLY", "5s")
    own, completions = await drafts_of_a_locked_contract(courses)
    await wait_for_the_lock(courses, courses.service.db.pool.get_max_size() - 1)
    monkeypatch.setattr(db, "CONNECTION_WITHIN_S", 0.3)
    assert (await courses.officer.get(f"/courses/{two_courses[1]['course_id']}")).status_code == 503
    await own.__aexit__(None, None, None)
    await asyncio.gather(*completions)
