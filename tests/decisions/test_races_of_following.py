"""Officers against one another, and a contact against the news that there is nothing to contact about."""

import asyncio
from datetime import UTC, date, datetime

import asyncpg

from services.decisions import store as decided
from services.decisions.domain import GivenBy, NoticeChannel
from services.decisions.followup import handlers, store
from services.decisions.followup.domain import Said
from tests.decisions.builders import course_confirmed, expect, pinned, refusal
from tests.decisions.following import Following

_AT_ONCE = 6
TODAY = date(2024, 7, 20)
SAID = Said(TODAY, NoticeChannel.PHONE, GivenBy.CLIENT)


async def an_overdue_client(decisions) -> str:
    ref: str = (await decisions.grant())["decision_ref"]
    await decisions.clock.set(datetime(2024, 7, 20, 9, tzinfo=UTC))
    return ref


async def test_a_contact_and_the_confirmation_of_the_course_end_the_same_in_any_order(decisions):
    """R-CRS-40, E-40: noted before the news or refused after it; never does the client stay on the list."""
    kela = Following(decisions)
    for trial in range(8):
        await decisions.clock.set(datetime(2024, 1, 15, 9, tzinfo=UTC))
        ref = await an_overdue_client(decisions)
        course = f"course-{trial}"
        await decisions.know(pinned(ref, course_id=course))

        async def hear(course=course):
            await asyncio.sleep(0)
            await decisions.know(course_confirmed(course_id=course))

        first = (kela.contact(ref, "2024-07-20"), hear())
        outcomes = await asyncio.gather(*(first if trial % 2 else reversed(first)))
        answer = outcomes[0] if trial % 2 else outcomes[1]
        assert answer.status_code in (201, 409), answer.text
        if answer.status_code == 409:
            assert refusal(answer)[0] == "FOLLOW_UP_CLOSED"
        assert len((await kela.show(ref))["history"]) == (1 if answer.status_code == 201 else 0)
        assert await kela.states() == {}
        assert refusal(await kela.contact(ref, "2024-07-20"))[0] == "FOLLOW_UP_CLOSED"


async def test_the_news_that_comes_while_a_contact_is_being_noted_wins(decisions, monkeypatch):
    """R-CRS-40: the note was taken on what was known then; the item is gone all the same."""
    kela = Following(decisions)
    ref = await an_overdue_client(decisions)
    await decisions.know(pinned(ref))
    save = store.set_watch

    async def hear_first(tx, *args):
        await decisions.know(course_confirmed())
        await save(tx, *args)

    monkeypatch.setattr(store, "set_watch", hear_first)
    expect(201, await kela.contact(ref, "2024-07-20"))
    assert await kela.states() == {}
    assert [entry["kind"] for entry in (await kela.show(ref))["history"]] == ["contacted"]


async def test_notes_of_six_officers_are_all_kept_one_after_the_other(decisions):
    """R-CRS-21: the decision is locked, so no note is lost."""
    kela = Following(decisions)
    ref = await an_overdue_client(decisions)
    answers = await asyncio.gather(*(kela.contact(ref, "2024-07-20") for _ in range(_AT_ONCE)))
    assert {answer.status_code for answer in answers} == {201}
    assert [entry["version"] for entry in (await kela.show(ref))["history"]] == list(range(1, _AT_ONCE + 1))


async def note_two_at_once_without_the_lock(decisions, monkeypatch) -> list[object]:
    """A wish for another provider and a contact, both decided before either is saved."""
    ref = await an_overdue_client(decisions)
    monkeypatch.setattr(decided, "lock_decision", decided.get_decision)
    load, loaded, both = store.find_watch, 0, asyncio.Event()

    async def find_watch(tx, decision_ref):
        nonlocal loaded
        watch = await load(tx, decision_ref)
        loaded += 1
        if loaded == 2:
            both.set()
        await asyncio.wait_for(both.wait(), 10)
        return watch

    monkeypatch.setattr(store, "find_watch", find_watch)

    async def wish():
        async with decisions.service.transaction() as tx:
            await handlers.note_swap_wish(tx, ref, SAID, if_match=None)

    async def contact():
        async with decisions.service.transaction() as tx:
            await handlers.note_contact(tx, ref, SAID, if_match=None)

    return await asyncio.gather(wish(), contact(), return_exceptions=True)


async def test_without_the_lock_the_history_still_keeps_one_answer_from_overwriting_another(decisions, monkeypatch):
    """E-65: each version is noted once, a second wall."""
    outcomes = await note_two_at_once_without_the_lock(decisions, monkeypatch)
    assert [type(outcome) for outcome in outcomes if outcome] == [asyncpg.UniqueViolationError]


async def test_control_without_lock_and_key_two_notes_take_the_same_place(decisions, monkeypatch):
    """E-65: the negative control of both guards: one of the two overwrites what the other had made of it."""
    await decisions.alter("ALTER TABLE follow_up_entries DROP CONSTRAINT follow_up_entries_pkey")
    assert await note_two_at_once_without_the_lock(decisions, monkeypatch) == [None, None]
    async with decisions.service.transaction() as tx:
        assert await tx.fetch("SELECT version FROM follow_up_entries") == [(1,), (1,)]


async def test_a_revocation_and_an_answer_do_not_pass_one_another(decisions):
    """E-21, E-57: answered before the revocation, or refused after it; a revoked decision has no open wish."""
    kela = Following(decisions)
    for _ in range(4):
        await decisions.clock.set(datetime(2024, 1, 15, 9, tzinfo=UTC))
        ref = await an_overdue_client(decisions)
        revoked, answered = await asyncio.gather(
            decisions.revoke({"decision_ref": ref}, received_on="2024-07-20"), kela.wish(ref, "2024-07-20")
        )
        expect(200, revoked)
        if answered.status_code == 409:
            assert refusal(answered)[0] == "FOLLOW_UP_CLOSED"
        assert len((await kela.show(ref))["history"]) == (answered.status_code == 200)
        assert await kela.states() == {}
