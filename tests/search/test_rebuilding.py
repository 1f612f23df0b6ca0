"""The read model anew from its topics: the same rows, and visitors answered all the time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from contracts.courses import CoursePlacesChanged
from tests.commands import Rekku
from tests.rebuilding import OnBus, in_random_order, on_bus
from tests.search.builders import Search, a_contract, a_course, a_provider, a_service, an_office
from tests.search.test_projection import HISTORY

COURSES = 12


@pytest.fixture
async def running(cluster, service) -> AsyncIterator[OnBus]:
    async with on_bus(cluster, service) as running:
        yield running


async def test_any_history_rebuilt_is_what_is_live(running: OnBus):
    for seed in range(5):
        await running.send(in_random_order(HISTORY, seed))
        await running.settled()
        assert (await running.rebuild()).same
    assert all((await running.rows()).values()), "every copy takes part"


async def test_every_wrong_row_is_healed(running: OnBus):
    """Tables that refer to one another, rows too many, too few and wrong."""
    await running.publish(*HISTORY)
    await running.settled()
    right = await running.rows()
    async with running.tested.transaction() as tx:
        await tx.execute("DELETE FROM service_descriptions")
        await tx.execute("DELETE FROM services")
        await tx.execute("INSERT INTO services VALUES ('STRANGE', 1)")
        await tx.execute(
            "INSERT INTO service_descriptions SELECT 'STRANGE', 1, '2024-01-01', NULL, 'national', true, '{fi}',"
            " NULL, NULL, '{}', '[]', '[]'"
        )
        await tx.execute("UPDATE courses SET free_places = 0, periods = '[]'")
        await tx.execute("UPDATE offices SET phone = '+358401234567'")
        await tx.execute("DELETE FROM offerings WHERE language = 'sv'")
    outcome = await running.rebuild(accept=True)
    differing = {difference.table for difference in outcome.differences}
    assert differing == {"services", "service_descriptions", "courses", "offices", "offerings"}
    assert await running.rows() == right
    assert (await running.rebuild()).same


async def test_visitors_are_answered_while_generations_come_and_go(running: OnBus):
    """Events come all the time, and each rebuild finds a row that somebody has spoilt just before."""
    search = Search(running.tested)
    await running.publish(
        a_service(),
        a_provider(),
        an_office(),
        a_contract(),
        *(a_course(2, course_id=f"course-{n}", course_number=n) for n in range(COURSES)),
    )
    await running.settled()
    stop = asyncio.Event()
    answers: list[int] = []

    async def ask() -> None:
        while not stop.is_set():
            courses = await search.courses(municipality="297", age=50, language="fi")
            answers.append(len(courses))

    async def write() -> None:
        version = 3
        while not stop.is_set():
            changes = (
                a_course(version, CoursePlacesChanged, course_id=f"course-{n}", course_number=n, occupied=version % 12)
                for n in range(COURSES)
            )
            await running.publish(*changes)
            version += 1

    work = [asyncio.create_task(ask()), asyncio.create_task(ask()), asyncio.create_task(write())]
    healed = 0
    for turn in range(5):
        async with running.tested.transaction() as tx:
            await tx.execute("UPDATE offices SET name = $1", f"wrong {turn}")
        healed += (await running.rebuild(accept=True)).written
        assert not any(task.done() for task in work)
    stop.set()
    await asyncio.gather(*work)
    await running.settled()
    assert healed >= 5
    assert answers
    assert set(answers) == {COURSES}
    assert (await running.rebuild()).same


@pytest.fixture
def rebuilt_by_command(rekku: Rekku, running: OnBus) -> Callable[..., Awaitable[tuple[int, str]]]:
    """Exit status and output of the command as an operator gives it."""

    async def rebuilt(*words: str) -> tuple[int, str]:
        settings = {"DATABASE_URL": running.url("rekku_search"), "CLOCK": running.settings.clock}
        done = await rekku("projections", "rebuild", "search", *words, **settings)
        return done.status, done.said

    return rebuilt


async def test_an_operator_is_told_the_difference_and_accepts(running: OnBus, rebuilt_by_command):
    await running.publish(*HISTORY)
    await running.settled()
    status, said = await rebuilt_by_command()
    assert status == 0
    assert f"search: {len(HISTORY)} records in " in said
    assert said.splitlines()[-1].startswith("search: the same as live: 10 tables, ")
    async with running.tested.transaction() as tx:
        await tx.execute("UPDATE courses SET free_places = 1 WHERE course_id = 'course-977'")
    status, said = await rebuilt_by_command()
    assert status == 1
    assert "search: courses differs: 2 rows live (" in said
    assert "1 changed, 0 only live, 0 only new; the first: course-977" in said
    assert said.splitlines()[-1] == "search: the live generation stays; --accept puts the new one in its place"
    status, said = await rebuilt_by_command("--accept")
    assert status == 0
    assert said.splitlines()[-1] == "search: the new generation is live: 1 rows were written"
    assert (await rebuilt_by_command())[0] == 0
