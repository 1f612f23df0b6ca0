"""Background tasks: a failure of the moment pauses them, anything else kills them, and they are started again."""

import asyncio
import logging
from collections.abc import Iterator

import asyncpg
import pytest

from chassis import failures, tasks
from chassis.tasks import MOST_DEATHS, Tasks
from tests.chassis.test_bus import until


class Clockwork:
    """Fails as it is told to, once for each failure, then goes on for ever; counts its starts."""

    def __init__(self, *outcomes: BaseException | None) -> None:
        self.outcomes = list(outcomes)
        self.starts = 0

    async def run(self) -> None:
        self.starts += 1
        if not self.outcomes:
            await asyncio.Event().wait()
        outcome = self.outcomes.pop(0)
        if outcome is not None:
            raise outcome


@pytest.fixture
def of_a_service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tasks]:
    """Tasks without pauses after failures of the moment; a dead task stays dead for a moment."""
    monkeypatch.setattr(failures, "backoff_s", lambda *_, **__: 0)
    monkeypatch.setattr(tasks, "_FIRST_PAUSE_S", 0.01)
    return Tasks("toy")


async def test_a_failure_of_the_moment_is_no_death(of_a_service: Tasks):
    work = Clockwork(*(asyncpg.ReadOnlySQLTransactionError("x") for _ in range(3 * MOST_DEATHS)))
    of_a_service.start("work", work.run)

    async def goes_on() -> bool:
        assert not of_a_service.dead
        return work.starts == 3 * MOST_DEATHS + 1

    await until(goes_on)
    assert not of_a_service.given_up.is_set()
    await of_a_service.stop()


async def test_control_without_the_recognition_it_is_one(of_a_service: Tasks, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(failures.OF_THE_MOMENT, "25006")  # type: ignore[arg-type]
    work = Clockwork(*(asyncpg.ReadOnlySQLTransactionError("x") for _ in range(MOST_DEATHS)))
    of_a_service.start("work", work.run)
    await asyncio.wait_for(of_a_service.given_up.wait(), 10)
    await of_a_service.stop()


@pytest.mark.parametrize("death", [ZeroDivisionError("x"), None, asyncio.CancelledError()])
async def test_a_task_that_dies_is_dead_until_it_is_started_again(
    of_a_service: Tasks, death: BaseException | None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    """Also one that ends, and one that was cancelled by anybody else."""
    monkeypatch.setattr(tasks, "_FIRST_PAUSE_S", 0.2)
    counted: list[tuple[int, dict[str, str]]] = []
    monkeypatch.setattr(tasks.telemetry.task_deaths, "add", lambda *what: counted.append(what))
    caplog.set_level(logging.CRITICAL)
    work, other = Clockwork(death), Clockwork()
    of_a_service.start("work", work.run)
    of_a_service.start("other", other.run)

    async def dead() -> bool:
        return of_a_service.dead == {"work"}

    async def alive_again() -> bool:
        return not of_a_service.dead and work.starts == 2

    await until(dead)
    await until(alive_again)
    assert other.starts == 1
    assert counted == [(1, {"service": "toy", "task": "work"})]
    assert "work" in caplog.messages[0]
    assert not of_a_service.given_up.is_set()
    await of_a_service.stop()


async def test_after_so_many_deaths_it_is_given_up_whichever_tasks_died(of_a_service: Tasks):
    works = [Clockwork(ZeroDivisionError()) for _ in range(MOST_DEATHS)]
    for nth, work in enumerate(works[:-1]):
        of_a_service.start(f"work {nth}", work.run)

    async def all_back() -> bool:
        return all(work.starts == 2 for work in works[:-1])

    await until(all_back)
    assert not of_a_service.given_up.is_set()
    of_a_service.start("one more", works[-1].run)
    await asyncio.wait_for(of_a_service.given_up.wait(), 10)
    await of_a_service.stop()


async def test_deaths_that_are_far_apart_end_nothing(of_a_service: Tasks, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tasks, "WITHIN_S", -1)
    work = Clockwork(*(ZeroDivisionError() for _ in range(2 * MOST_DEATHS)))
    of_a_service.start("work", work.run)

    async def all_over() -> bool:
        return work.starts == 2 * MOST_DEATHS + 1

    await until(all_over)
    assert not of_a_service.given_up.is_set()
    await of_a_service.stop()


@pytest.mark.parametrize("guarded", [True, False], ids=["recognised", "control: hidden by the error"])
async def test_a_task_that_loses_its_connection_while_it_is_stopped_ends(
    of_a_service: Tasks, monkeypatch: pytest.MonkeyPatch, guarded: bool
):
    """On its way out it meets an error that would be tried again for ever; nobody cancels it a second time."""
    if not guarded:
        monkeypatch.setattr(failures, "raise_if_cancelled", lambda _error: None)
    starts = 0

    async def work() -> None:
        nonlocal starts
        starts += 1
        try:
            await asyncio.Event().wait()
        finally:
            if starts == 1:
                raise ConnectionResetError

    of_a_service.start("work", work)

    async def at_work() -> bool:
        return starts == 1

    await until(at_work)
    stopping = asyncio.create_task(of_a_service.stop())
    if guarded:
        await asyncio.wait_for(stopping, 10)
        assert starts == 1
        return

    async def at_work_again() -> bool:
        return starts == 2

    await until(at_work_again)
    assert not stopping.done()
    await of_a_service.stop()
    await stopping
