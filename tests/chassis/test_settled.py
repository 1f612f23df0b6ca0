"""A place that is kept in a list never passes over what commits late, and nothing else is waited for."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from chassis import settled
from chassis.auth import Principal, Role
from chassis.settled import Followed, NotSettled, Settled, followed
from chassis.testing import ServiceUnderTest
from tests.chassis.test_bus import a_message


@asynccontextmanager
async def writing(toy: ServiceUnderTest):
    """A transaction that has drawn a number and is open."""
    async with toy.transaction() as tx:
        tx.emit(a_message(1, "slow"))
        await tx.flush()
        tx.outgoing.clear()
        yield


async def write(toy: ServiceUnderTest) -> int:
    """One committed row; its number."""
    async with toy.transaction() as tx:
        tx.emit(a_message(1, "fast"))
    async with toy.transaction() as tx:
        return int(await tx.fetchval("SELECT max(id) FROM outbox"))


async def bound(toy: ServiceUnderTest, table: Settled) -> int:
    async with toy.transaction() as tx:
        return await table.up_to(tx)


async def nobody(_reader: settled.Reader, _table: str) -> frozenset[str]:
    """The negative control: nobody is waited for, as with a cursor over numbers."""
    return frozenset()


async def test_everything_is_settled_while_nobody_writes(toy: ServiceUnderTest):
    outbox = Settled("outbox", "id")
    assert await bound(toy, outbox) == 0
    last = await write(toy)
    assert await bound(toy, outbox) == last


async def test_a_role_without_a_right_to_the_numbers_is_no_reader_for_whom_none_was_drawn(toy: ServiceUnderTest):
    """PostgreSQL would answer 0, and who follows the list would never get any further."""
    last = await write(toy)
    async with toy.transaction(Principal("worker", Role.PROVIDER, "2828286-3")) as tx:
        assert await tx.fetchval("SELECT pg_sequence_last_value('outbox_id_seq')") is None
        with pytest.raises(settled.NotReadable, match=r"outbox\.id"):
            await Settled("outbox", "id").up_to(tx)
    assert await bound(toy, Settled("outbox", "id")) == last, "the control"


@pytest.mark.parametrize("blind", [False, True])
async def test_a_table_is_settled_below_a_row_that_commits_late(
    toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch, blind: bool
):
    if blind:
        monkeypatch.setattr(settled, "writers", nobody)
    outbox = Settled("outbox", "id")
    before = await write(toy)
    assert await bound(toy, outbox) == before
    async with writing(toy):
        after = await write(toy)
        for _ in range(3):
            assert await bound(toy, outbox) == (after if blind else before)
    assert await bound(toy, outbox) == after


async def test_what_others_write_elsewhere_or_read_here_holds_nothing_up(toy: ServiceUnderTest):
    outbox = Settled("outbox", "id")
    async with toy.transaction() as elsewhere, toy.transaction() as reading:
        await elsewhere.execute("INSERT INTO inbox (event_id, generation) VALUES (gen_random_uuid(), 'x')")
        await reading.fetch("SELECT * FROM outbox FOR SHARE")
        last = await write(toy)
        assert await bound(toy, outbox) == last


async def test_writers_that_overlap_for_ever_let_it_rise(toy: ServiceUnderTest):
    """Each is waited for; those who began later are not."""
    outbox = Settled("outbox", "id")
    first = writing(toy)
    await first.__aenter__()
    seen = await write(toy)
    assert await bound(toy, outbox) == 0
    second = writing(toy)
    await second.__aenter__()
    await first.__aexit__(None, None, None)
    later = await write(toy)
    assert await bound(toy, outbox) == seen
    await second.__aexit__(None, None, None)
    assert await bound(toy, outbox) == later


async def test_two_readers_at_once_do_not_mistake_a_newer_look_for_an_older_one(
    toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
):
    """One looked before a writer began, and goes on after another has seen that writer."""
    outbox, go_on = Settled("outbox", "id"), asyncio.Event()
    real = settled.writers

    async def held(reader: settled.Reader, table: str) -> frozenset[str]:
        found = await real(reader, table)
        await go_on.wait()
        return found

    earlier = writing(toy)
    await earlier.__aenter__()
    monkeypatch.setattr(settled, "writers", held)
    slow = asyncio.create_task(bound(toy, outbox))
    await asyncio.sleep(0.1)
    monkeypatch.setattr(settled, "writers", real)
    async with writing(toy):
        await write(toy)
        await earlier.__aexit__(None, None, None)
        assert await bound(toy, outbox) == 0
        go_on.set()
        assert await slow == 0
        assert await bound(toy, outbox) == 0


def page(limit: int, settled: int, numbers: list[int]) -> Followed[str, int]:
    rows = [(number, f"row {number}") for number in numbers]
    return followed(rows, limit, settled, after=10, cursor=lambda number, _: number)


def test_a_page_shows_all_there_is_and_goes_on_before_what_is_not_settled():
    assert page(3, 14, [11, 12, 14]) == Followed(["row 11", "row 12", "row 14"], None, 14)
    assert page(3, 13, [11, 12, 14]) == Followed(["row 11", "row 12", "row 14"], None, 12)
    assert page(3, 10, [11, 12, 14]) == Followed(["row 11", "row 12", "row 14"], None, 10)
    assert page(2, 14, [11, 12, 14]) == Followed(["row 11", "row 12"], 12, 12)
    assert page(2, 11, [11, 12, 14]) == Followed(["row 11", "row 12"], 11, 11)
    assert page(2, 14, []) == Followed([], None, 10)


def test_a_full_page_on_which_nothing_is_settled_is_asked_for_again():
    with pytest.raises(NotSettled):
        page(2, 10, [11, 12, 14])
