"""Answers wait sealed until five can be opened together; a crash at any step loses and doubles nothing (E-30)."""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from chassis import batch_keys, failpoints
from chassis.timers import fire_one
from contracts.notifications import FeedbackAveragePublished
from services.notifications import feedback
from services.notifications.app import SERVICE
from services.notifications.batches import handlers, store
from services.notifications.batches.domain import SurveyAnswer
from services.notifications.domain import score_units
from tests.notifications.answering import (
    BATCH,
    KeyStore,
    answer_all,
    readable,
    same,
    scores_of,
    totals,
    waiting,
)
from tests.notifications.builders import code_of


@pytest.fixture
async def keys(cluster, notifications):
    store = await KeyStore.of(cluster)
    yield store
    await store.connection.close()


async def test_until_the_fifth_nothing_can_be_read_and_then_all_five(notifications, keys):
    """E-30: also not through the sums; what was opened is exactly what was answered."""
    tokens = await notifications.surveys(BATCH)
    await answer_all(notifications, tokens[:4])
    await notifications.open_batches()
    assert await readable(notifications) == []
    assert await waiting(notifications) == [4]
    assert await totals(notifications) == (0, 0, 0)
    assert len(await keys.batches()) == 1
    await answer_all(notifications, tokens[4:], first=4)
    assert await readable(notifications) == []
    await notifications.open_batches()
    assert same(await readable(notifications), range(5))
    assert await waiting(notifications) == []
    assert await totals(notifications) == (5, 5, 1)
    assert await keys.batches() == set()


async def test_every_batch_has_a_key_of_its_own(notifications, keys):
    """The sixth answer begins another one, whether the first five have been opened or not."""
    tokens = await notifications.surveys(11)
    await answer_all(notifications, tokens)
    assert await waiting(notifications) == [1, 5, 5]
    assert len(await keys.batches()) == 3
    await notifications.open_batches()
    assert await waiting(notifications) == [1]
    assert len(await keys.batches()) == 1
    assert same(await readable(notifications), range(10))
    published = await notifications.published(FeedbackAveragePublished)
    assert [event.feedback.answers for event in published] == [5, 10]


async def test_those_who_wait_are_counted_as_answers(notifications):
    await answer_all(notifications, await notifications.surveys(6))
    assert (await notifications.officer.get("/statistics")).json()["answers"] == 6
    await notifications.open_batches()
    assert (await notifications.officer.get("/statistics")).json()["answers"] == 6


async def test_a_survey_of_before_is_answered_as_any_other(notifications):
    """Its office has no sums yet, and several begin them at once."""
    tokens = await notifications.surveys(BATCH)
    async with notifications.service.transaction() as tx:
        await tx.execute("DELETE FROM feedback_totals")
    answers = await asyncio.gather(*(notifications.answer(t, scores_of(n)) for n, t in enumerate(tokens)))
    assert {answer.status_code for answer in answers} == {201}
    await notifications.open_batches()
    assert await totals(notifications) == (5, 5, 1)


async def test_answers_at_once_and_openings_at_once_lose_and_double_nothing(notifications, keys):
    """Three processes' timers, and twenty clients at once: no deadlock, no batch of another size, none opened twice."""
    tokens = await notifications.surveys(20)
    over = asyncio.Event()

    async def fire() -> None:
        while not over.is_set():
            await fire_one(notifications.service.service, notifications.service.db)

    timers = [asyncio.create_task(fire()) for _ in range(3)]
    async with asyncio.timeout(30):
        answers = await asyncio.gather(*(notifications.answer(t, scores_of(n)) for n, t in enumerate(tokens)))
    over.set()
    await asyncio.gather(*timers)
    assert {answer.status_code for answer in answers} == {201}
    await notifications.open_batches()
    assert same(await readable(notifications), range(20))
    assert await waiting(notifications) == []
    assert await totals(notifications) == (20, 20, 4)
    assert await keys.batches() == set()


async def test_without_the_totals_lock_answers_at_once_miss_their_fifth(notifications, monkeypatch):
    """Negative control: who does not wait for the others' commits does not count them, and the batch is never full."""
    tokens, all_are_in = await notifications.surveys(BATCH), asyncio.Barrier(BATCH)
    add = store.add_sealed_answer

    async def find(tx, office_id, service):
        return await tx.fetchval("SELECT batch_id FROM feedback_totals")

    async def add_together(tx, *answer):
        counted = await add(tx, *answer)
        await all_are_in.wait()
        return counted

    monkeypatch.setattr(store, "lock_open_batch", find)
    monkeypatch.setattr(store, "add_sealed_answer", add_together)
    async with asyncio.timeout(10):
        await asyncio.gather(*(notifications.answer(t, scores_of(n)) for n, t in enumerate(tokens)))
    await notifications.open_batches()
    assert await waiting(notifications) == [5]


@asynccontextmanager
async def locked(keys: KeyStore):
    """The key store does not answer, and is waited for only for a moment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_keys, "WITHIN_S", 0.05)
        async with keys.connection.transaction():
            await keys.connection.execute("LOCK TABLE batch_keys IN ACCESS EXCLUSIVE MODE")
            yield


async def test_a_key_store_that_does_not_answer_is_a_503_and_the_survey_stays_open(notifications, keys):
    """The same answer is taken once the key store is back."""
    [token] = await notifications.surveys(1)
    async with locked(keys):
        refused = await notifications.answer(token, scores_of(0))
    assert code_of(refused) == (503, "UNAVAILABLE")
    assert int(refused.headers["retry-after"]) > 0
    assert await waiting(notifications) == []
    assert (await notifications.public.get(f"/surveys/{token}")).status_code == 200
    await answer_all(notifications, [token])
    assert await waiting(notifications) == [1]


async def test_a_key_store_that_does_not_answer_puts_the_opening_off(notifications, keys):
    await answer_all(notifications, await notifications.surveys(BATCH))
    for opened in (False, True):  # first when the answers are to be opened, then when the key is to be erased
        async with locked(keys):
            await notifications.open_batches()
        assert (len(await readable(notifications)) == BATCH) is opened
        assert len(await keys.batches()) == 1
        await _rested(notifications)
        assert await fire_one(notifications.service.service, notifications.service.db)
    assert same(await readable(notifications), range(5))
    assert await totals(notifications) == (5, 5, 1)
    assert await keys.batches() == set()


async def _rested(notifications) -> None:
    """Timers that were put off may fire again."""
    async with notifications.service.transaction() as tx:
        await tx.execute("UPDATE timers SET retry_at = NULL")


async def test_a_batch_whose_key_is_missing_waits_until_it_is_back(notifications, keys):
    """A key store that was restored, or another secret: nothing is lost, and later answers are taken."""
    tokens = await notifications.surveys(2 * BATCH)
    await answer_all(notifications, tokens[:BATCH])
    [batch_id] = await keys.batches()
    half = await keys.connection.fetchval("DELETE FROM batch_keys WHERE batch_id = $1 RETURNING half", batch_id)
    await answer_all(notifications, tokens[BATCH:], first=BATCH)
    await notifications.open_batches()
    assert same(await readable(notifications), range(BATCH, 2 * BATCH))
    assert await waiting(notifications) == [BATCH]
    await keys.connection.execute("INSERT INTO batch_keys (batch_id, half) VALUES ($1, $2)", batch_id, half)
    await _rested(notifications)
    await notifications.open_batches()
    assert same(await readable(notifications), range(2 * BATCH))
    assert await totals(notifications) == (10, 10, 2)


async def _loses_its_key(notifications, keys, tokens):
    """Two answers wait, the key store becomes one of before, and five more clients answer; the key that is gone."""
    await answer_all(notifications, tokens[:2])
    [batch_id] = await keys.batches()
    half = await keys.connection.fetchval("DELETE FROM batch_keys WHERE batch_id = $1 RETURNING half", batch_id)
    await answer_all(notifications, tokens[2:7], first=2)
    await notifications.open_batches()
    return batch_id, half


async def test_answers_whose_key_is_lost_before_five_wait_take_no_later_ones_with_them(notifications, keys):
    """Another batch takes those; once the key is back, the first ones wait with whoever comes after."""
    tokens = await notifications.surveys(10)
    batch_id, half = await _loses_its_key(notifications, keys, tokens)
    assert same(await readable(notifications), range(2, 7))
    assert await waiting(notifications) == [2]
    await keys.connection.execute("INSERT INTO batch_keys (batch_id, half) VALUES ($1, $2)", batch_id, half)
    await _rested(notifications)
    await notifications.open_batches()
    assert (await waiting(notifications), batch_id in await keys.batches()) == ([2], False)
    await answer_all(notifications, tokens[7:], first=7)
    await notifications.open_batches()
    assert same(await readable(notifications), range(10))
    assert await totals(notifications) == (10, 10, 2)
    assert await keys.batches() == set()


async def test_without_a_look_at_who_waits_already_a_lost_key_takes_later_answers_along(
    notifications, keys, monkeypatch
):
    """Negative control: sealed under two keys, a batch is never opened."""

    async def nobody(*_):
        return None

    monkeypatch.setattr(store, "find_sealed_answer", nobody)
    await _loses_its_key(notifications, keys, await notifications.surveys(7))
    assert (await readable(notifications), await waiting(notifications)) == ([], [2, BATCH])


async def test_answers_of_another_secret_begin_another_batch(notifications, keys):
    """They are opened with the secret they were sealed with, and those of before with theirs."""
    tokens = await notifications.surveys(BATCH + 1)
    await answer_all(notifications, tokens[:1])
    vault = notifications.service.db.vault
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vault, "secret", b"another secret of this service, as long as any")
        await answer_all(notifications, tokens[1:], first=1)
        await notifications.open_batches()
    assert same(await readable(notifications), range(1, BATCH + 1))
    assert await waiting(notifications) == [1]


@pytest.mark.parametrize("before", [3, BATCH])
async def test_answers_of_before_wait_sealed_where_they_are_too_few(notifications, before):
    """E-30: the migration has them sealed; who answered as one of five stays readable."""
    tokens = await notifications.surveys(BATCH)
    async with notifications.service.transaction() as tx:
        answers = [SurveyAnswer({int(n): score for n, score in scores_of(number).items()}) for number in range(before)]
        [row] = await tx.fetch("SELECT office_id, service FROM feedback_totals")
        of = row["office_id"], row["service"]
        await store.add_answers(tx, *of, tx.today.replace(day=1), answers)
        await store.add_to_total(tx, *of, answers=before, units=sum(score_units(a.scores) for a in answers))
        if before == BATCH:
            await store.set_published(tx, *of, average=Decimal(3), answers=before, version=1)
        await tx.execute((SERVICE.migrations / "0006_few_answers.sql").read_text())
    await notifications.open_batches()
    assert same(await readable(notifications), range(before if before == BATCH else 0))
    assert await waiting(notifications) == ([] if before == BATCH else [before])
    needed = BATCH if before == BATCH else BATCH - before
    await answer_all(notifications, tokens[:needed], first=before)
    await notifications.open_batches()
    assert same(await readable(notifications), range(before + needed))
    assert await waiting(notifications) == []


class Died(BaseException):
    """What nothing catches: what the process has not committed is gone."""


class _DiesOnce:
    """A process that dies at a failpoint, the nth time it gets there."""

    def __init__(self, name: str, nth: int) -> None:
        self._name, self._left = name, nth

    def reach(self, name: str) -> None:
        self._left -= name == self._name
        if not self._left and name == self._name:
            raise Died(name)


@pytest.fixture
def die_at(monkeypatch) -> Callable[[str, int], None]:
    """`die_at(name, nth)`: this process dies there, once; its successor does not."""
    return lambda name, nth=1: monkeypatch.setattr(failpoints, "_armed", _DiesOnce(name, nth))


async def _die(work) -> None:
    with pytest.raises(Died):
        await work


@pytest.mark.parametrize("step", ["seal.before", "seal.after", "commit.before", "commit.after"])
@pytest.mark.parametrize("nth", [1, BATCH])
async def test_a_crash_while_an_answer_is_taken_loses_and_doubles_nothing(notifications, keys, die_at, step, nth):
    """The first answer makes the batch's key, the fifth has the batch opened."""
    tokens = await notifications.surveys(BATCH)
    await answer_all(notifications, tokens[: nth - 1])

    async def answer() -> None:
        async with notifications.service.transaction() as tx:
            await feedback.answer_survey(tx, tokens[nth - 1], scores_of(nth - 1))

    die_at(step)
    await _die(answer())
    die_at("nowhere")
    again = await notifications.answer(tokens[nth - 1], scores_of(nth - 1))
    assert again.status_code == (410 if step == "commit.after" else 201)
    await answer_all(notifications, tokens[nth:], first=nth)
    await notifications.open_batches()
    assert same(await readable(notifications), range(BATCH))
    assert await waiting(notifications) == []
    assert await totals(notifications) == (5, 5, 1)
    assert await keys.batches() == set()


OPENING = [("timer.before", 1), ("commit.before", 1), ("commit.after", 1), ("timer.after", 1)]
ERASING = [("timer.before", 2), ("erase.before", 1), ("erase.after", 1), ("commit.before", 2), ("commit.after", 2)]


@pytest.mark.parametrize(("step", "nth"), [*OPENING, *ERASING, ("timer.after", 2)])
async def test_a_crash_while_a_batch_is_opened_or_its_key_erased_is_caught_up_with(
    notifications, keys, die_at, step, nth
):
    """The timers are what is left to be done: each goes in the transaction that does it."""
    await answer_all(notifications, await notifications.surveys(BATCH))
    die_at(step, nth)
    await _die(notifications.open_batches())
    die_at("nowhere")
    opened = (step, nth) not in OPENING[:2]
    assert (len(await readable(notifications)), len(await waiting(notifications))) == ((5, 0) if opened else (0, 1))
    await notifications.open_batches()
    assert same(await readable(notifications), range(BATCH))
    assert await waiting(notifications) == []
    assert await totals(notifications) == (5, 5, 1)
    assert await keys.batches() == set()
    assert len(await notifications.published(FeedbackAveragePublished)) == 1


async def test_a_key_that_is_erased_before_the_commit_loses_the_batch(notifications, keys, die_at, monkeypatch):
    """Negative control of the order: opened and erased in one transaction, a crash between the two loses five."""
    open_batch = handlers.open_batch

    async def open_and_erase(tx, batch, payload):
        await open_batch(tx, batch, payload)
        await handlers.erase_key(tx, batch, payload)

    monkeypatch.setitem(SERVICE.timers, handlers.OPEN, open_and_erase)
    await answer_all(notifications, await notifications.surveys(BATCH))
    die_at("commit.before")
    await _die(notifications.open_batches())
    die_at("nowhere")
    await notifications.open_batches()
    assert await readable(notifications) == []
    assert await waiting(notifications) == [BATCH]
