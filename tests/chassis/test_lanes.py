"""Lanes on their own: what is finished in which order, and how far the mark follows."""

import asyncio
import random

import pytest

from chassis import lanes as lanes_module
from chassis.lanes import AHEAD, AHEAD_BYTES, BATCH, WHOLE, GivenUp, LaneLost, Lanes, Rest


class Story:
    """Work that ends when it is told to; what has been begun, in order."""

    def __init__(self, lanes: Lanes) -> None:
        self.lanes = lanes
        self.begun: list[int] = []
        self._may_end: dict[int, asyncio.Event] = {}

    def put(self, key: str, position: int) -> None:
        self._may_end[position] = asyncio.Event()
        self.lanes.hold([position])

        async def work(_rest: Rest) -> None:
            self.begun.append(position)
            await self._may_end[position].wait()

        self.lanes.put(key, [position], work)

    async def end(self, position: int) -> None:
        self._may_end[position].set()
        await settled()


async def settled() -> None:
    """Let every task that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_records_of_a_key_are_applied_one_after_the_other_and_keys_side_by_side():
    story = Story(Lanes())
    for position, key in enumerate("aab"):
        story.put(key, position)
    await settled()
    assert story.begun == [0, 2]
    await story.end(0)
    assert story.begun == [0, 2, 1]
    await story.lanes.close()


async def test_the_mark_is_before_the_first_record_that_is_not_finished():
    """Whatever the order in which they end; positions have gaps, as compaction leaves them."""
    story, chance = Story(Lanes()), random.Random(11)
    positions = sorted(chance.sample(range(1_000), 40))
    for position in positions:
        story.put(str(position), position)
    await settled()
    left = list(positions)
    for position in chance.sample(positions, len(positions)):
        await story.end(position)
        left.remove(position)
        done = [p for p in positions if not left or p < left[0]]
        assert story.lanes.mark == (done[-1] + 1 if done else None)
    await story.lanes.close()


@pytest.mark.parametrize("held", [AHEAD - BATCH, AHEAD - BATCH + 1])
async def test_never_more_than_2000_records_are_held(held: int):
    lanes = Lanes()
    lanes.hold(range(held))
    assert AHEAD == 2_000
    assert lanes.room() == (BATCH if held + BATCH <= AHEAD else 0)


async def test_nothing_is_read_ahead_of_a_batch_and_the_reader_is_woken_behind_it():
    woken: list[bool] = []
    story = Story(Lanes(lambda: woken.append(True)))
    story.put(WHOLE, 0)  # type: ignore[arg-type]
    await settled()
    assert (story.lanes.room(), woken) == (0, [])
    await story.end(0)
    assert woken
    assert (story.lanes.room(), story.lanes.mark) == (BATCH, 1)


async def test_a_lane_that_rests_is_counted_and_does_not_take_room(monkeypatch: pytest.MonkeyPatch):
    """The control is the limit itself: as many lanes that run leave no room."""
    monkeypatch.setattr(lanes_module, "_BUSY", 3)
    lanes = Lanes()
    lanes.hold(range(3))

    async def rests(rest: Rest) -> None:
        await rest(60)

    async def runs(_rest: Rest) -> None:
        await asyncio.Event().wait()

    for key in range(3):
        lanes.put(key, [key], rests)
    await settled()
    assert (lanes.resting, lanes.room()) == (3, BATCH)
    lanes.hold(range(3, 6))
    for key in range(3, 6):
        lanes.put(key, [key], runs)
    await settled()
    assert (lanes.resting, lanes.room()) == (3, 0)
    await lanes.close()


async def test_draining_ends_what_runs_gives_up_what_rests_and_begins_nothing():
    story = Story(Lanes())
    story.put("runs", 0)
    story.put("runs", 1)
    outcome: list[str] = []

    async def rests(rest: Rest) -> None:
        try:
            await rest(3_600)
        except GivenUp:
            outcome.append("given up")
            raise

    story.lanes.hold([2])
    story.lanes.put("rests", [2], rests)
    await settled()
    draining = asyncio.create_task(story.lanes.drain(60))
    await settled()
    assert not draining.done()
    await story.end(0)
    await draining
    assert (story.begun, story.lanes.mark, outcome) == ([0], 1, ["given up"])
    assert story.lanes.resting == 0


async def test_draining_does_not_wait_longer_than_it_may():
    story = Story(Lanes())
    story.put("runs", 0)
    await settled()
    await story.lanes.drain(0)
    await story.lanes.close()
    assert story.lanes.mark is None


async def test_a_lane_that_breaks_off_is_reported_and_the_mark_stays():
    woken: list[bool] = []
    lanes = Lanes(lambda: woken.append(True))

    async def breaks(_rest: Rest) -> None:
        raise ZeroDivisionError

    lanes.hold([0])
    lanes.put("a", [0], breaks)
    with pytest.raises(ZeroDivisionError):
        await lanes.finished()
    assert woken
    assert lanes.mark is None


@pytest.mark.parametrize("looked_after", [True, False], ids=["looked after", "control: by nobody"])
async def test_a_lane_whose_own_work_cancels_it_breaks_off_as_any_other(
    monkeypatch: pytest.MonkeyPatch, looked_after: bool
):
    """Else its record would never be finished, and those behind it in the lane would be lost with it."""
    if not looked_after:
        monkeypatch.setattr(Lanes, "_break_off", lambda *_: None)
    lanes = Lanes()

    async def cancelled(_rest: Rest) -> None:
        raise asyncio.CancelledError

    async def works(_rest: Rest) -> None:
        pass

    lanes.hold(range(2))
    lanes.put("a", [0], cancelled)
    lanes.put("a", [1], works)
    if looked_after:
        with pytest.raises(LaneLost):
            await lanes.finished()
    else:
        await lanes.finished()
    assert lanes.mark is None


async def test_long_records_are_held_up_to_a_number_of_bytes():
    """Where others write, each may be as long as the bus takes; the control is one byte less."""
    lanes = Lanes()
    lanes.hold([0, 1], [1_000, AHEAD_BYTES - 1_001])
    assert lanes.room() == BATCH
    lanes.hold([2], [1])
    assert lanes.room() == 0
    lanes.finish([0])
    assert lanes.room() == BATCH
