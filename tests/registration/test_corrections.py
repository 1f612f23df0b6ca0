"""Kela's correction of a mistaken entry, and the two times every entry has."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from chassis.auth import Role
from chassis.testing import ServiceUnderTest, service_under_test
from contracts.registration import AnnouncedCountChanged
from contracts.values import CountChange
from services.registration.app import SERVICE
from services.registration.counts import domain
from services.registration.counts import store as counts
from services.registration.counts.handlers import due_at
from tests.registration.builders import (
    OURS,
    THEIRS,
    a_course,
    a_grant,
    announce,
    registered_contract,
    year_of,
)

WHY = "Näppäilyvirhe, palveluntuottajan oma ilmoitus"


@pytest.fixture(scope="module")
async def settled(cluster, tmp_path_factory) -> AsyncIterator[ServiceUnderTest]:
    """Registration with one contract, shared by tests that check that nothing changes."""
    async with service_under_test(cluster, SERVICE, tmp_path_factory.mktemp("corrections")) as registration:
        await registered_contract(registration)
        yield registration


@pytest.fixture
async def contract_id(settled) -> str:
    return (await settled.http().get("/contracts")).json()["items"][0]["contract_id"]


async def correct(registration, contract_id: str, year: int, count: int, *, role=Role.OFFICER, headers=None, **more):
    client = registration.http(role, OURS if role is Role.PROVIDER else None)
    body = {"count": count, "reason": WHY, **more}
    return await client.put(
        f"/contracts/{contract_id}/announced-counts/{year}/correction", json=body, headers=headers or {}
    )


async def in_force(registration, contract_id: str, **instants: datetime) -> dict[int, int]:
    """The counts by year, read at instants."""
    query = {name: instant.isoformat() for name, instant in instants.items()}
    answer = await registration.http(Role.PROVIDER, OURS).get(
        f"/contracts/{contract_id}/announced-counts", params=query
    )
    assert answer.status_code == 200, answer.text
    return {each["year"]: each["count"] for each in answer.json()["items"]}


async def test_kela_corrects_a_mistaken_entry_below_what_is_in_use_and_nothing_is_taken_away(registration):
    """E-3: 260 was meant to be 2; three decisions and eight places stay, the ledger shows as overdrawn."""
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 260)
    await registration.deliver(*(a_grant(contract_id) for _ in range(3)), a_course(contract_id, group_size=8))
    answer = await correct(registration, contract_id, 2024, 2, headers={"if-match": '"2"'})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"3"')
    assert answer.json()["years"] == [
        {
            "year": 2024,
            "announced": 2,
            "state": "announced",
            "decisions_used": 3,
            "decisions_left": 0,
            "decisions_overdrawn": 1,
            "places_used": 8,
            "places_left": 0,
            "places_overdrawn": 6,
        }
    ]
    event = (await registration.published(AnnouncedCountChanged))[-1]
    assert (event.version, event.count, event.change) == (3, 2, CountChange.CORRECTED)
    assert WHY not in event.model_dump_json()
    async with registration.transaction() as tx:
        row = await tx.fetchrow("SELECT actor, role, subject, detail FROM audit WHERE action = 'correct_count'")
    assert (row["role"], row["subject"]) == ("officer", f"contract:{contract_id}")
    assert (row["detail"]["corrected_from"], row["detail"]["count"]) == (260, 2)
    assert WHY not in str(row["detail"])
    assert (await announce(registration, contract_id, 2024, 12)).status_code == 200
    assert (await year_of(registration, contract_id, 2024))["decisions_left"] == 9


async def test_only_kela_corrects(registration):
    """E-3: a provider raises; NOT_ALLOWED for it, whoever's contract it is."""
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 20)
    for role in (Role.PROVIDER, Role.SYSTEM):
        refused = await correct(registration, contract_id, 2024, 2, role=role)
        assert (refused.status_code, refused.json()["code"]) == (403, "NOT_ALLOWED")
    assert (await year_of(registration, contract_id, 2024))["announced"] == 20


async def test_what_was_never_entered_cannot_be_corrected_and_a_stale_officer_is_told(registration):
    """E-3: COUNT_NOT_ANNOUNCED with the year; 412 with the current version; a correction needs its reason."""
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 20)
    refused = await correct(registration, contract_id, 2023, 2)
    assert (refused.json()["code"], refused.json()["values"]) == ("COUNT_NOT_ANNOUNCED", {"year": 2023})
    stale = await correct(registration, contract_id, 2024, 2, headers={"if-match": '"1"'})
    assert (stale.status_code, stale.json()["values"]) == (412, {"current": 2})
    assert (await correct(registration, contract_id, 2024, 2, reason=" ")).json()["code"] == "TEXT_EMPTY"
    assert (await correct(registration, "nowhere", 2024, 2)).json()["code"] == "CONTRACT_UNKNOWN"
    assert len(await registration.published(AnnouncedCountChanged)) == 1


async def test_the_same_correction_again_is_applied_once(registration):
    """E-23: by its Idempotency-Key, and by what stands."""
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 260)
    key = {"idempotency-key": "correction-1"}
    first = await correct(registration, contract_id, 2024, 26, headers=key)
    again = await correct(registration, contract_id, 2024, 26, headers=key)
    assert (again.status_code, again.json()) == (200, first.json())
    assert (await correct(registration, contract_id, 2024, 26)).headers["etag"] == '"3"'
    assert len(await registration.published(AnnouncedCountChanged)) == 2


async def test_what_was_in_force_and_what_was_known_are_read_at_any_instant(registration):
    """E-2, E-3: bitemporal; the correction of 5 March holds from 10 February, and before 5 March nobody knew."""
    contract_id = await registered_contract(registration)
    days = {
        name: datetime(2024, month, day, 9, tzinfo=UTC)
        for name, month, day in (("announced", 2, 1), ("mistaken", 2, 10), ("corrected", 3, 5), ("raised", 4, 1))
    }
    for name, count in (("announced", 20), ("mistaken", 260)):
        await registration.clock.set(days[name])
        await announce(registration, contract_id, 2024, count)
    await registration.clock.set(days["corrected"])
    answer = await correct(registration, contract_id, 2024, 26, effective_on="2024-02-10")
    assert answer.status_code == 200, answer.text
    await registration.clock.set(days["raised"])
    await announce(registration, contract_id, 2024, 30)
    in_february = datetime(2024, 2, 20, tzinfo=UTC)
    in_march = datetime(2024, 3, 20, tzinfo=UTC)
    assert await in_force(registration, contract_id) == {2024: 30}
    assert await in_force(registration, contract_id, in_force_at=days["announced"]) == {2024: 20}
    assert await in_force(registration, contract_id, in_force_at=days["announced"] - timedelta(seconds=1)) == {}
    assert await in_force(registration, contract_id, in_force_at=in_february) == {2024: 26}
    assert await in_force(registration, contract_id, in_force_at=in_february, known_at=in_february) == {2024: 260}
    assert await in_force(registration, contract_id, in_force_at=in_march, known_at=in_march) == {2024: 26}
    history = (await registration.http().get(f"/contracts/{contract_id}/announced-counts/2024")).json()
    assert [(each["count"], each["kind"], each["reason"]) for each in history["items"]] == [
        (20, "announced", None),
        (260, "announced", None),
        (26, "corrected", WHY),
        (30, "announced", None),
    ]
    page = await registration.http().get(
        f"/contracts/{contract_id}/announced-counts/2024", params={"limit": 2, "after": 1}
    )
    assert ([each["revision"] for each in page.json()["items"]], page.json()["next"]) == ([2, 3], 3)


@pytest.mark.parametrize("day", ["2024-01-14", "2024-01-16"])
async def test_a_correction_from_a_day_without_an_entry_or_to_come_is_refused(registration, day):
    """E-3: EFFECTIVE_OUT_OF_RANGE with the first and the last day that are possible."""
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 260)
    refused = await correct(registration, contract_id, 2024, 26, effective_on=day)
    assert (refused.status_code, refused.json()["code"]) == (422, "EFFECTIVE_OUT_OF_RANGE")
    assert refused.json()["values"] == {"earliest": "2024-01-15", "latest": "2024-01-15"}
    assert (await correct(registration, contract_id, 2024, 26, effective_on="2024-01-15")).status_code == 200


async def test_a_correction_of_october_made_in_october_flows_into_the_default(registration):
    """E-2, E-3: what was mistaken on 30 October and known to be so by the 31st is not carried over."""
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 260)
    await registration.clock.set(datetime(2024, 10, 31, 9, tzinfo=UTC))
    await correct(registration, contract_id, 2024, 26, effective_on="2024-01-15")
    await registration.clock.set(due_at(2025) + timedelta(days=2))
    await registration.fire_timers()
    assert await in_force(registration, contract_id) == {2024: 26, 2025: 26}
    await correct(registration, contract_id, 2024, 20, effective_on="2024-01-15")
    assert await in_force(registration, contract_id) == {2024: 20, 2025: 26}


@pytest.mark.parametrize("seed", range(3))
async def test_raises_corrections_and_ends_at_once_are_put_in_line(registration, seed):
    """E-3, E-45: every entry was decided on the one before it, every change is one version and one event.

    The guard is the contract's row lock; `test_without_the_row_lock_two_raises_collide` is its control.
    """
    dice = random.Random(seed)
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 20)
    commands = [announce(registration, contract_id, 2024, dice.randint(20, 60)) for _ in range(8)]
    commands += [correct(registration, contract_id, 2024, dice.randint(0, 40)) for _ in range(8)]
    commands += [
        registration.http().put(f"/contracts/{contract_id}/end", json={"valid_to": f"20{day}-12-31", "reason": WHY})
        for day in dice.sample(range(24, 60), 4)
    ]
    dice.shuffle(commands)
    answers = await asyncio.gather(*commands)
    assert {answer.status_code for answer in answers} <= {200, 409}
    async with registration.transaction() as tx:
        rows = await tx.fetch("SELECT count, raised_from, kind FROM announced_counts ORDER BY revision")
        ends = await tx.fetch("SELECT valid_to, valid_to_before FROM contract_ends ORDER BY revision")
    assert [row["raised_from"] for row in rows] == [None, *(row["count"] for row in rows[:-1])]
    assert [row["valid_to_before"] for row in ends] == [None, *(row["valid_to"] for row in ends[:-1])]
    versions = [event.version for event in await registration.published() if event.key == contract_id]
    assert versions == list(range(1, len(rows) + len(ends) + 2))
    assert (await year_of(registration, contract_id, 2024))["announced"] == rows[-1]["count"]


@pytest.mark.parametrize("seed", range(3))
async def test_the_sql_reads_as_of_what_the_rule_says(registration, seed):
    """E-2: `find_in_force` against `domain.in_force`, on histories of announcements and corrections."""
    dice = random.Random(seed)
    contract_id = await registered_contract(registration)
    now = datetime(2024, 1, 15, 9, tzinfo=UTC)
    for _ in range(20):
        await registration.clock.set(now)
        if dice.random() < 0.5:
            await announce(registration, contract_id, 2024, dice.randint(0, 60))
        else:
            day = (datetime(2024, 1, 15, tzinfo=UTC) + (now - datetime(2024, 1, 15, tzinfo=UTC)) * dice.random()).date()
            await correct(registration, contract_id, 2024, dice.randint(0, 60), effective_on=day.isoformat())
        now += timedelta(days=dice.randint(0, 10), hours=dice.randint(1, 9))
    async with registration.transaction() as tx:
        history = await counts.find_revisions(tx, contract_id, 2024)
        assert len(history) > 4
        for _ in range(60):
            at, known = (datetime(2024, 1, 15, tzinfo=UTC) + timedelta(days=dice.randint(0, 200)) for _ in range(2))
            found = domain.in_force(history, at, known)
            assert await counts.find_in_force(tx, contract_id, at=at, known_at=known) == ([found] if found else [])


async def test_another_providers_counts_do_not_exist(registration):
    """404, as if they did not exist."""
    contract_id = await registered_contract(registration)
    await announce(registration, contract_id, 2024, 20)
    stranger = registration.http(Role.PROVIDER, THEIRS)
    for path in ("announced-counts", "announced-counts/2024"):
        answer = await stranger.get(f"/contracts/{contract_id}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "CONTRACT_UNKNOWN")


@pytest.mark.parametrize(
    "instant", ["2024-01-15", "2024-01-15T09:00:00", "1999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00", "yesterday"]
)
async def test_an_instant_without_a_zone_or_out_of_all_years_is_refused(settled, contract_id, instant):
    """VALIDATION, before any SQL."""
    for name in ("in_force_at", "known_at"):
        answer = await settled.http().get(f"/contracts/{contract_id}/announced-counts", params={name: instant})
        assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION")


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ("2, 10, 20, 'announced', now(), now(), NULL", "counts_only_raised"),
        ("2, 10, 20, 'corrected', now(), now(), NULL", "counts_corrected_for_a_reason"),
        ("2, 30, 20, 'announced', now(), now(), 'why'", "counts_corrected_for_a_reason"),
        ("1, 30, NULL, 'corrected', now(), now(), 'why'", "counts_corrected_after_an_entry"),
        ("2, 30, 20, 'defaulted', now(), now(), NULL", "counts_defaulted_where_nothing_was"),
        ("1, 30, NULL, 'announced', now() + interval '1 s', now(), NULL", "counts_never_for_later"),
    ],
)
async def test_the_database_refuses_entries_that_cannot_be(settled, contract_id, values, constraint):
    """E-2, E-3: every rule a constraint can hold, a constraint holds."""
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        async with settled.transaction() as tx:
            await tx.execute(
                "INSERT INTO announced_counts (contract_id, provider_id, year, announced_by, revision, count,"
                " raised_from, kind, effective_at, recorded_at, reason)"
                f" VALUES ('{contract_id}', '{OURS}', 2024, 'test', {values})"
            )
    assert refused.value.constraint_name == constraint


async def test_an_entry_of_the_release_before_is_known_from_when_it_holds(registration):
    """Two releases on one schema: the older one names neither the kind nor when it recorded."""
    contract_id = await registered_contract(registration)
    async with registration.transaction() as tx:
        await tx.execute(
            "INSERT INTO announced_counts"
            " (contract_id, provider_id, year, revision, count, raised_from, effective_at, announced_by)"
            " VALUES ($1, $2, 2024, 1, 20, NULL, $3, 'test')",
            contract_id,
            OURS,
            tx.now,
        )
        [entry] = await counts.find_revisions(tx, contract_id, 2024)
    assert (entry.kind, entry.recorded_at) == (CountChange.ANNOUNCED, registration.clock.now)
