"""Concerns: what a provider doubts, what Kela and the client make of it, and what never happens without the client."""

import asyncio

import asyncpg
import pytest

from chassis import turns
from chassis.auth import PUBLIC, Principal, Role
from contracts.decisions import DecisionRevoked
from services.decisions import store as decided
from services.decisions.concerns import store
from tests.decisions.builders import (
    OTHER_PROVIDER,
    PROVIDER,
    START,
    course_confirmed,
    expect,
    pinned,
    refusal,
)

WORDS = "Asiakkaan tilanne on muuttunut."
NOTICE = {"received_on": "2024-01-15", "channel": "phone", "given_by": "guardian"}
_AT_ONCE = 5


async def file(decisions, ref, client=None, **differences):
    body = {"reason": "timeliness", "words": WORDS} | differences
    return await (client or decisions.provider).post(f"/decisions/{ref}/concerns", json=body)


async def discuss(decisions, concern, spoken_with="client", spoken_on="2024-01-15"):
    body = {"spoken_on": spoken_on, "spoken_with": spoken_with}
    return await decisions.officer.post(f"/concerns/{concern['concern_id']}/discussion", json=body)


async def close(decisions, concern, outcome="continue", notice=None, **headers):
    body = {"outcome": outcome, "client_notice": notice}
    return await decisions.officer.post(f"/concerns/{concern['concern_id']}/closing", json=body, headers=headers)


async def a_discussed_concern(decisions):
    granted = await decisions.grant()
    concern = expect(201, await file(decisions, granted["decision_ref"]))
    return granted, expect(200, await discuss(decisions, concern))


async def test_a_providers_concern_changes_nothing_of_the_decision(decisions):
    """R-DEC-16, R-DEC-17: it is a case of its own, open until Kela has spoken with the client."""
    granted = await decisions.grant()
    before, said = await decisions.get(granted), await decisions.said()
    concern = expect(201, await file(decisions, granted["decision_ref"]))
    assert (concern["state"], concern["reason"], concern["words"]) == ("open", "timeliness", None)
    expect(200, await discuss(decisions, concern, spoken_with="guardian"))
    assert await decisions.get(granted) == before
    assert await decisions.said() == said


@pytest.mark.parametrize("outcome", ["continue", "other_support"])
async def test_a_concern_ends_without_the_decision_being_touched(decisions, outcome):
    """R-DEC-17: the client goes on, or gets other support."""
    granted, concern = await a_discussed_concern(decisions)
    before, said = await decisions.get(granted), await decisions.said()
    closed = expect(200, await close(decisions, concern, outcome))
    assert (closed["state"], closed["outcome"], closed["closed_on"], closed["version"]) == (
        "closed",
        outcome,
        "2024-01-15",
        3,
    )
    assert (await decisions.get(granted), await decisions.said()) == (before, said)


async def test_a_revocation_out_of_a_concern_needs_the_clients_own_notice(decisions):
    """R-DEC-16, E-57, E-58: then it is revoked like any other, in the same transaction, saying whose notice it was."""
    granted, concern = await a_discussed_concern(decisions)
    assert refusal(await close(decisions, concern, "revoke"), 422)[0] == "CLIENT_NOTICE_REQUIRED"
    late = NOTICE | {"received_on": "2024-01-16"}
    assert refusal(await close(decisions, concern, "revoke", late), 422)[0] == "NOTICE_IN_FUTURE"
    assert await decisions.states(granted) == ["granted"]
    assert (await decisions.officer.get(f"/concerns/{concern['concern_id']}")).json()["state"] == "in_discussion"
    answer = await close(decisions, concern, "revoke", NOTICE)
    assert expect(200, answer)["outcome"] == "revoke"
    assert f"decision:{granted['decision_ref']}@2" in answer.headers["rekku-known"]
    assert await decisions.states(granted) == ["revoked"]
    [event] = await decisions.service.published(DecisionRevoked)
    assert event.decision.decision_ref == granted["decision_ref"]
    async with decisions.service.transaction() as tx:
        assert await tx.fetchval("SELECT notice_given_by FROM decisions") == "guardian"
        [who] = await tx.fetch("SELECT actor, subject, detail FROM audit WHERE action = 'revoke_decision'")
        assert (who["subject"], bool(who["actor"])) == (f"decision:{granted['decision_ref']}", True)
        assert who["detail"] == {"concern_id": concern["concern_id"]}


async def test_a_notice_is_taken_for_a_revocation_only(decisions):
    """E-57: no notice lies about unused."""
    _, concern = await a_discussed_concern(decisions)
    assert refusal(await close(decisions, concern, "continue", NOTICE), 422)[0] == "CLIENT_NOTICE_NOT_USED"


async def test_control_without_the_constraint_a_transaction_could_end_a_decision(decisions):
    """R-DEC-16: a provider's has no right to, and the constraint holds against any other code of ours.

    The negative control takes the constraint away.
    """
    granted, concern = await a_discussed_concern(decisions)
    path = f"UPDATE decisions SET state = 'revoked' WHERE decision_ref = '{granted['decision_ref']}'"
    worker = Principal("worker", Role.PROVIDER, PROVIDER)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with decisions.service.transaction(worker) as tx:
            await tx.execute(path)
    with pytest.raises(asyncpg.CheckViolationError, match="only_on_the_clients_own_notice"):
        async with decisions.service.transaction() as tx:
            await tx.execute(path)
    assert await decisions.states(granted) == ["granted"]
    await decisions.alter("ALTER TABLE decisions DROP CONSTRAINT only_on_the_clients_own_notice")
    async with decisions.service.transaction() as tx:
        await tx.execute(path)
    assert await decisions.states(granted) == ["revoked"]
    assert refusal(await close(decisions, concern, "continue"))[0] == "DECISION_NOT_IN_FORCE"


async def test_the_client_is_heard_before_a_concern_ends(decisions):
    """R-DEC-17: Kela speaks with the client or the guardian first; a constraint says so too."""
    granted = await decisions.grant()
    concern = expect(201, await file(decisions, granted["decision_ref"]))
    assert refusal(await close(decisions, concern))[0] == "CONCERN_NOT_DISCUSSED"
    with pytest.raises(asyncpg.CheckViolationError, match="no_outcome_before_the_client_was_heard"):
        await decisions.alter(
            "UPDATE concerns SET state = 'closed', outcome = 'continue', closed_on = '2024-01-15', closed_by = 'x'"
        )
    code, values = refusal(await discuss(decisions, concern, spoken_on="2024-01-16"), 422)
    assert (code, values) == ("DISCUSSION_DAY_INVALID", {"today": "2024-01-15"})
    expect(200, await discuss(decisions, concern))
    assert refusal(await discuss(decisions, concern))[0] == "CONCERN_IN_DISCUSSION"
    expect(200, await close(decisions, concern))
    assert refusal(await discuss(decisions, concern)) == ("CONCERN_CLOSED", {"outcome": "continue"})


async def test_a_concern_is_about_an_own_clients_decision_in_force(decisions):
    """R-DEC-17: another provider's client is not known to it, and only a provider has concerns."""
    granted = await decisions.grant()
    ref = granted["decision_ref"]
    assert refusal(await file(decisions, ref, decisions.other_provider), 404)[0] == "DECISION_UNKNOWN"
    assert refusal(await file(decisions, ref, decisions.officer), 403)[0] == "NOT_ALLOWED"
    expect(200, await decisions.revoke(granted))
    assert refusal(await file(decisions, ref)) == ("DECISION_NOT_IN_FORCE", {"state": "revoked"})


async def test_a_decision_has_one_concern_at_a_time(decisions):
    """R-DEC-17: after it has ended there may be another."""
    granted, concern = await a_discussed_concern(decisions)
    ref = granted["decision_ref"]
    assert refusal(await file(decisions, ref)) == ("CONCERN_PENDING", {"concern_id": concern["concern_id"]})
    expect(200, await close(decisions, concern))
    expect(201, await file(decisions, ref, reason="other"))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Asiakas 131052-308T", "PERSONAL_IDENTITY_CODE"),
        ("x" * 1001, "TEXT_TOO_LONG"),
        ("", "TEXT_EMPTY"),
        ("rivi\x00", "TEXT_CONTROL_CHARACTER"),
    ],
)
async def test_words_are_short_and_say_nothing_about_who_somebody_is(decisions, words, code):
    """E-59: refused, and not echoed."""
    granted = await decisions.grant()
    answer = await file(decisions, granted["decision_ref"], words=words)
    assert refusal(answer, 422)[0] == code
    assert "131052" not in answer.text
    assert expect(200, await decisions.officer.get("/concerns"))["items"] == []


async def test_words_are_sealed_and_gone_with_the_clients_key(decisions):
    """E-59: nothing readable is stored, and lists leave the words out."""
    granted = await decisions.grant(client_ref="client-erased")
    concern = expect(201, await file(decisions, granted["decision_ref"]))
    async with decisions.service.transaction() as tx:
        assert WORDS not in str(dict(await tx.fetchrow("SELECT * FROM concerns") or {}))
    path = f"/concerns/{concern['concern_id']}"
    assert expect(200, await decisions.officer.get(path))["words"] == WORDS
    [item] = expect(200, await decisions.officer.get("/concerns"))["items"]
    assert item["words"] is None
    await decisions.service.db.vault.erase("client-erased")
    assert expect(200, await decisions.officer.get(path))["words"] is None


async def test_an_answer_that_is_kept_for_its_idempotency_key_has_no_words(decisions):
    """E-59: what is kept there is readable, and no erasure of a client's key reaches it."""
    ref = (await decisions.grant())["decision_ref"]
    key, body = {"idempotency-key": "concern-1"}, {"reason": "other", "words": WORDS}
    filed = expect(201, await decisions.provider.post(f"/decisions/{ref}/concerns", json=body, headers=key))
    for action, said in (
        ("discussion", {"spoken_on": "2024-01-15", "spoken_with": "client"}),
        ("closing", {"outcome": "continue"}),
    ):
        path = f"/concerns/{filed['concern_id']}/{action}"
        expect(200, await decisions.officer.post(path, json=said, headers=key))
    async with decisions.service.transaction() as tx:
        kept = [bytes(row["body"]).decode() for row in await tx.fetch("SELECT body FROM idempotency")]
    assert len(kept) == 3
    assert not [answer for answer in kept if WORDS in answer]


async def test_a_provider_sees_its_own_concerns_and_what_came_of_them(decisions):
    """R-DEC-17: not who at Kela ended it, nor with whom Kela spoke; nothing of another provider's."""
    _, concern = await a_discussed_concern(decisions)
    expect(200, await close(decisions, concern, "other_support"))
    path = f"/concerns/{concern['concern_id']}"
    own, official = [expect(200, await who.get(path)) for who in (decisions.provider, decisions.officer)]
    assert (own["state"], own["outcome"], own["words"]) == ("closed", "other_support", WORDS)
    assert (own["closed_by"], own["discussed_with"], own["discussed_on"]) == (None, None, None)
    assert (bool(official["closed_by"]), official["discussed_with"]) == (True, "client")
    assert refusal(await decisions.other_provider.get(path), 404)[0] == "CONCERN_UNKNOWN"
    assert expect(200, await decisions.other_provider.get("/concerns"))["items"] == []
    assert len(expect(200, await decisions.provider.get("/concerns"))["items"]) == 1
    for action, body in (
        ("discussion", {"spoken_on": "2024-01-15", "spoken_with": "client"}),
        ("closing", {"outcome": "continue"}),
    ):
        assert refusal(await decisions.provider.post(f"{path}/{action}", json=body), 403)[0] == "NOT_ALLOWED"


async def test_concerns_are_behind_the_second_wall(decisions):
    """R-DEC-17: row-level security; without it, SQL would show another provider's concerns (negative control)."""
    await a_discussed_concern(decisions)
    stranger = Principal("worker", Role.PROVIDER, OTHER_PROVIDER)

    async def seen(principal):
        async with decisions.service.transaction(principal) as tx:
            return await tx.fetchval("SELECT count(*) FROM concerns")

    assert [await seen(who) for who in (Principal("w", Role.PROVIDER, PROVIDER), stranger, PUBLIC)] == [1, 0, 0]
    await decisions.alter("ALTER TABLE concerns DISABLE ROW LEVEL SECURITY")
    assert await seen(stranger) == 1


async def test_concerns_are_filtered_and_read_page_by_page(decisions):
    """R-DEC-17: Kela's list of cases."""
    granted = [await decisions.grant() for _ in range(3)]
    filed = [expect(201, await file(decisions, one["decision_ref"])) for one in granted]
    expect(200, await discuss(decisions, filed[1]))

    async def ids(**query):
        answer = expect(200, await decisions.officer.get("/concerns", params=query))
        return [item["concern_id"] for item in answer["items"]], answer["next"]

    every = [concern["concern_id"] for concern in filed]
    assert await ids() == (every, None)
    assert await ids(limit=2) == (every[:2], every[1])
    assert await ids(after=every[1]) == (every[2:], None)
    assert await ids(state="in_discussion") == ([every[1]], None)
    assert await ids(decision_ref=granted[2]["decision_ref"]) == ([every[2]], None)
    assert await ids(service="NOTHING") == ([], None)


async def test_a_stale_version_closes_nothing(decisions):
    """If-Match."""
    _, concern = await a_discussed_concern(decisions)
    assert refusal(await close(decisions, concern, **{"if-match": '"1"'}), 412) == ("STALE_VERSION", {"current": 2})
    expect(200, await close(decisions, concern, **{"if-match": '"2"'}))


async def close_at_once(decisions, concern):
    """The statuses of six officers who close a concern at the same moment, sorted."""
    answers = await asyncio.gather(*(close(decisions, concern, "other_support") for _ in range(_AT_ONCE)))
    return sorted(answer.status_code for answer in answers)


async def test_a_concern_is_closed_once(decisions, monkeypatch):
    """R-DEC-17: whoever comes second is told what came of it; also where they come to several instances."""
    monkeypatch.setattr(turns, "MOST_AT_ONCE", _AT_ONCE)
    _, concern = await a_discussed_concern(decisions)
    assert await close_at_once(decisions, concern) == [200] + [409] * (_AT_ONCE - 1)


async def test_control_without_the_locks_a_concern_is_closed_more_than_once(decisions, monkeypatch):
    """R-DEC-17: the negative control of the locks on decision and concern."""
    _, discussed = await a_discussed_concern(decisions)
    loaded, everybody = 0, asyncio.Event()

    async def look(tx, concern_id):
        nonlocal loaded
        concern = await store.get_concern(tx, concern_id)
        loaded += 1
        if loaded == _AT_ONCE:
            everybody.set()
        await asyncio.wait_for(everybody.wait(), 10)
        return concern

    monkeypatch.setattr(store, "lock_concern", look)
    monkeypatch.setattr(decided, "lock_decision", decided.get_decision)
    monkeypatch.setattr(turns, "MOST_AT_ONCE", _AT_ONCE)
    assert await close_at_once(decisions, discussed) == [200] * _AT_ONCE


async def test_a_concern_is_filed_once_at_a_time(decisions):
    """R-DEC-17: six workers of one provider press the button together; the index is the second wall."""
    granted = await decisions.grant()
    answers = await asyncio.gather(*(file(decisions, granted["decision_ref"]) for _ in range(_AT_ONCE)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (_AT_ONCE - 1)
    with pytest.raises(asyncpg.UniqueViolationError, match="one_pending_concern"):
        await decisions.alter(
            "INSERT INTO concerns SELECT 'another', decision_ref, client_ref, provider_id, service, reason,"
            " sealed_words, state, filed_at, filed_by, NULL, NULL, NULL, NULL, NULL, 1 FROM concerns"
        )


async def test_a_revocation_and_a_concern_that_ends_in_one_revoke_once(decisions):
    """R-DEC-16: both lock the decision first; the concern stays in discussion where it came second."""
    for _ in range(4):
        granted, concern = await a_discussed_concern(decisions)
        answers = await asyncio.gather(decisions.revoke(granted), close(decisions, concern, "revoke", NOTICE))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        assert (await decisions.get(granted))["version"] == 2
    assert (await decisions.said()).count("DecisionRevoked") == 4


async def test_a_concern_touches_neither_pin_nor_follow_up(decisions):
    """R-DEC-17: interrupting or revoking is somebody else's step."""
    granted = await decisions.grant()
    await decisions.know(pinned(granted["decision_ref"]), course_confirmed())
    before = (await decisions.get(granted))["followup"]
    expect(201, await file(decisions, granted["decision_ref"], reason="appropriateness"))
    assert (await decisions.get(granted))["followup"] == before
    assert decisions.clock.now == START
