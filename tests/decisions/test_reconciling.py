"""Each kind of difference is planted, found, told once and repaired; a clean system has none."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest

from chassis.auth import Role
from contracts.decisions import AnnouncedCountReopened, CounterDiffered, DecisionGranted, DecisionRevoked
from rekku.reconciling import reconcile_in
from services.decisions.quotas import store as quotas
from services.decisions.reconciling import handlers
from tests.decisions.builders import (
    CONTRACT,
    OTHER_CONTRACT,
    OTHER_PROVIDER,
    PROVIDER,
    RARE,
    DecisionsUnderTest,
    expect,
    pinned,
    refusal,
    registered,
    unpinned,
)
from tests.races import count_waiting, until

TAMPERE, PIRKANMAA = "837", "08"
ROUND = timedelta(minutes=10)


async def a_round(decisions: DecisionsUnderTest) -> None:
    """Time enough for everything to be looked at once more."""
    await decisions.clock.advance(ROUND)
    await decisions.service.fire_timers()


async def report(decisions: DecisionsUnderTest, **wanted: str) -> list[dict]:
    return expect(200, await decisions.officer.get("/differences", params=wanted))["items"]


async def repair(decisions: DecisionsUnderTest) -> tuple[int, int]:
    done = expect(200, await decisions.officer.post("/differences/repair"))
    return done["repaired"], done["left"]


async def a_scene(decisions: DecisionsUnderTest) -> dict:
    """A year with every counter in use, a revoked decision that was unpinned, and one that waits; the revoked one."""
    await decisions.set_quota(2, area=PIRKANMAA)
    await decisions.set_quota(5)
    await decisions.grant(municipality_code=TAMPERE)
    revoked = await decisions.grant(municipality_code=TAMPERE)
    await decisions.grant(client_ref=revoked["client_ref"])
    await decisions.know(pinned(revoked["decision_ref"]))
    expect(200, await decisions.revoke(revoked))
    await decisions.wait(municipality_code=TAMPERE)
    return revoked


PLANTED = {
    "announced_count": (f"{CONTRACT}/2024", "UPDATE announced_counts SET used = 2 WHERE year = 2024", (2, 3)),
    "quota": (f"{RARE}/2024", "UPDATE quotas SET used = 3 WHERE year = 2024", (3, 2)),
    "scoped_quota": (f"{RARE}/2024/{PIRKANMAA}/*", "UPDATE scoped_quotas SET used = 3, ceiling = 3", (3, 2)),
    "first_grants": (
        f"{RARE}/2024",
        "DELETE FROM first_grants WHERE decision_ref = (SELECT min(decision_ref) FROM first_grants)",
        (1, 2),
    ),
    "first_grants of nobody": (
        f"{RARE}/2024",
        "INSERT INTO first_grants SELECT 'nobody', service, 'X', provider_id, granted_on FROM first_grants LIMIT 1",
        (1, 2),
    ),
    "first_grants of another decision": (
        f"{RARE}/2024",
        "UPDATE first_grants SET decision_ref = 'X' WHERE decision_ref = (SELECT min(decision_ref) FROM first_grants)",
        (0, 2),
    ),
}
"""Of each counter: which one, how it is set wrong, and what it shows and should show then."""


async def test_a_clean_system_has_no_difference(decisions):
    """R-DEC-1, E-52, E-55: also with revocations, old clients and those who wait."""
    revoked = await a_scene(decisions)
    await decisions.know(unpinned(revoked["decision_ref"]))
    for _ in range(3):
        await a_round(decisions)
    assert await report(decisions) == []
    assert await decisions.service.published(CounterDiffered) == []
    assert await repair(decisions) == (0, 0)


@pytest.mark.parametrize("planted", PLANTED)
async def test_a_counter_that_is_not_what_the_decisions_say_is_found_told_and_repaired(decisions, planted):
    """R-DEC-1, E-8, E-52, E-55: in the next round, once, with a line in the audit."""
    subject, sabotage, (shown, expected) = PLANTED[planted]
    kind = planted.split()[0]
    revoked = await a_scene(decisions)
    await decisions.know(unpinned(revoked["decision_ref"]))
    await decisions.alter(sabotage)
    for _ in range(2):
        await a_round(decisions)
    [difference] = await report(decisions, state="open")
    found = (difference["kind"], difference["subject"], difference["shown"], difference["expected"])
    assert found == (kind, subject, shown, expected)
    [event] = await decisions.service.published(CounterDiffered)
    assert (event.counter, event.subject, event.shown, event.expected) == found
    assert await repair(decisions) == (1, 0)
    await a_round(decisions)
    [settled] = await report(decisions)
    assert (settled["state"], settled["number"]) == ("repaired", difference["number"])
    async with decisions.service.db.transaction() as tx:
        audited = await tx.fetchrow("SELECT * FROM audit WHERE action = 'repair_difference'")
    assert (audited["role"], audited["subject"]) == (Role.OFFICER, f"difference:{difference['number']}")
    assert audited["detail"] == {"kind": kind, "counter": subject, "was": shown, "now": expected}


async def test_room_that_a_repair_finds_goes_to_those_who_wait(decisions):
    """E-54: a counter that was too high held them up."""
    await decisions.set_quota(2)
    await decisions.grant()
    await decisions.alter("UPDATE quotas SET used = 2, status = 'full'")
    waiting = [await decisions.wait() for _ in range(2)]
    await decisions.alter("UPDATE announced_counts SET used = 100, filled = true WHERE year = 2024")
    assert refusal(await decisions.apply())[0] == "ANNOUNCED_COUNT_FULL"
    await a_round(decisions)
    assert await repair(decisions) == (2, 0)
    await decisions.service.fire_timers()
    assert await decisions.states(*waiting) == ["granted", "awaiting_quota"]
    assert (await decisions.quota())["used"] == (await decisions.count())[1] == 2
    assert len(await decisions.service.published(AnnouncedCountReopened)) == 1


async def test_a_repair_locks_every_count_before_any_quota(decisions):
    """E-5, E-53: a grant holds its count and then wants the quota, so a repair that does it the other way deadlocks."""
    await decisions.know(registered({2024: 5}, contract_id=OTHER_CONTRACT, provider_id=OTHER_PROVIDER))
    await decisions.grant()
    await decisions.alter("UPDATE announced_counts SET used = announced, filled = true WHERE year = 2024")
    await a_round(decisions)
    async with decisions.service.transaction() as granting:
        await quotas.lock_counts(granting, [OTHER_CONTRACT], 2024)
        repairing = asyncio.create_task(repair(decisions))

        async def waits() -> bool:
            return await count_waiting(decisions.service) > 0

        await until(waits)
        # Sooner than a deadlock would be found and one of the two be done again.
        await granting.execute("SET LOCAL lock_timeout = '300ms'")
        await quotas.lock_quota(granting, RARE, 2024)
    assert await repairing == (2, 0)


async def test_a_pin_of_a_decision_that_is_no_grant_is_told_when_it_stays(decisions):
    """R-DEC-16, E-19: the revocation is said again, in a newer version, so that the courses let the client go."""
    revoked = await a_scene(decisions)
    await a_round(decisions)
    assert [d["state"] for d in await report(decisions)] == ["suspected"], "it may be on its way"
    assert await repair(decisions) == (0, 0)
    await a_round(decisions)
    [difference] = await report(decisions, state="open")
    assert (difference["kind"], difference["subject"]) == ("pin_of_no_grant", revoked["decision_ref"])
    assert len(await decisions.service.published(CounterDiffered)) == 1
    assert await repair(decisions) == (1, 0)
    said = await decisions.service.published(DecisionRevoked)
    assert [event.version for event in said] == [2, 3]
    await decisions.know(unpinned(revoked["decision_ref"]))
    await a_round(decisions)
    assert [d["state"] for d in await report(decisions)] == ["repaired"]


async def test_a_pin_that_goes_in_time_was_no_difference(decisions):
    """E-19: suspected, then gone by itself, and nobody is told."""
    revoked = await a_scene(decisions)
    await a_round(decisions)
    await decisions.know(unpinned(revoked["decision_ref"]))
    await a_round(decisions)
    assert [d["state"] for d in await report(decisions)] == ["gone"]
    assert await decisions.service.published(CounterDiffered) == []


async def test_a_decision_that_was_used_on_no_course_is_granted_again(decisions):
    """E-19: the courses' view decides whether a course was completed."""
    granted = await decisions.grant()
    await decisions.know(pinned(granted["decision_ref"]))
    await decisions.alter("UPDATE decisions SET state = 'used', version = version + 1")
    for _ in range(2):
        await a_round(decisions)
    kinds = {difference["kind"] for difference in await report(decisions, state="open")}
    assert kinds == {"used_without_course", "pin_of_no_grant"}
    assert await repair(decisions) == (2, 0)
    assert await decisions.states(granted) == ["granted"]
    assert (await decisions.service.published(DecisionGranted))[-1].version > 2
    await a_round(decisions)
    assert await report(decisions, state="open") == []


async def test_a_pin_of_a_decision_nobody_knows_stays_open(decisions):
    """E-19: there is nothing here to say again."""
    await decisions.know(pinned("0123456789ABC"))
    for _ in range(2):
        await a_round(decisions)
    assert await repair(decisions) == (0, 1)
    assert [d["state"] for d in await report(decisions)] == ["open"]


async def test_what_cannot_be_set_right_keeps_no_repair_from_what_can(decisions):
    """E-19, R-DEC-1: the older difference stays open, and is not what the next repair is spent on."""
    await decisions.grant()
    await decisions.know(pinned("0123456789ABC"))
    for _ in range(2):
        await a_round(decisions)
    await decisions.alter("UPDATE announced_counts SET used = used + 1 WHERE year = 2024")
    await a_round(decisions)
    done = await decisions.service.db.run(partial(handlers.repair, limit=1))
    assert (done.repaired, done.left) == (1, 1)
    assert [d["kind"] for d in await report(decisions, state="open")] == ["pin_of_no_grant"]


async def test_a_round_goes_on_where_a_batch_ended(decisions, monkeypatch):
    """R-DEC-1, E-52: in small batches as in one."""
    monkeypatch.setattr(handlers, "_BATCH", 1)
    revoked = await a_scene(decisions)
    await decisions.know(pinned((await decisions.grant(municipality_code="297"))["decision_ref"], course_id="course-2"))
    await decisions.alter(
        "UPDATE announced_counts SET used = 2 WHERE year = 2024", "UPDATE quotas SET used = used + 1 WHERE year = 2024"
    )
    for _ in range(2):
        await a_round(decisions)
    found = {difference["kind"] for difference in await report(decisions, state="open")}
    assert found == {"announced_count", "quota", "pin_of_no_grant"}
    assert await repair(decisions) == (3, 0)
    await decisions.know(unpinned(revoked["decision_ref"]))
    await a_round(decisions)
    assert await report(decisions, state="open") == []


async def test_the_report_is_read_page_by_page_and_not_by_providers(decisions):
    """E-59: Kela's own."""
    await a_scene(decisions)
    await decisions.alter(
        "UPDATE announced_counts SET used = 2 WHERE year = 2024", "UPDATE quotas SET used = 3 WHERE year = 2024"
    )
    await a_round(decisions)
    first = expect(200, await decisions.officer.get("/differences", params={"limit": 1}))
    rest = expect(200, await decisions.officer.get("/differences", params={"after": first["next"]}))
    assert [d["kind"] for d in first["items"] + rest["items"]][:2] == ["announced_count", "quota"]
    assert rest["next"] is None
    assert (await decisions.provider.get("/differences")).status_code == 403
    assert (await decisions.system.post("/differences/repair")).status_code == 403
    assert PROVIDER not in str(first)


async def test_one_command_looks_through_everything_and_repairs_it(decisions, capsys):
    """R-DEC-1, E-52: `rekku reconcile`, without waiting for the next round."""
    await a_scene(decisions)
    assert await reconcile_in(decisions.service.db, repair=True) == 0
    assert "every counter is what the decisions say" in capsys.readouterr().out
    await decisions.alter(
        "UPDATE announced_counts SET used = 2 WHERE year = 2024", "UPDATE quotas SET used = 3 WHERE year = 2024"
    )
    assert await reconcile_in(decisions.service.db, repair=False) == 2
    assert f"{CONTRACT}/2024" in capsys.readouterr().out
    assert await reconcile_in(decisions.service.db, repair=True) == 0
    assert "2 repaired, 0 left" in capsys.readouterr().out
    assert await report(decisions, state="open") == []
