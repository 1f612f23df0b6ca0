"""When a sign-in ends: unused, at its latest, with its token; and its row goes whether or not anybody signs in."""

import asyncio
from datetime import datetime, timedelta

import asyncpg
import pytest
from pydantic import ValidationError

from chassis.auth import Principal, Role
from chassis.clock import utc_now
from chassis.limits import SessionLimits
from services.gateway import domain, handlers, store
from services.gateway.pruning import prune
from tests.races import until

IDLE = timedelta(minutes=30)
WHOLE = timedelta(hours=12)
SECOND = timedelta(seconds=1)


class Clock:
    """The sessions' clock, moved by a test."""

    def __init__(self) -> None:
        self.now = utc_now()

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(handlers, "utc_now", clock)
    return clock


async def role_of(browser) -> str:
    return (await browser.get("/session")).json()["role"]


async def rows(gateway):
    async with gateway.service.transaction() as tx:
        return await tx.fetch("SELECT * FROM sessions ORDER BY created_at")


async def opened(gateway, lifetime: timedelta) -> store.StoredSession:
    """A session around a token that lasts so long."""
    token = gateway.state.issuer.token(Role.OFFICER, lifetime=lifetime)
    principal = Principal("dev-officer", Role.OFFICER)
    session = await gateway.service.db.run(lambda tx: handlers.open_session(tx, principal, token, SessionLimits()))
    async with gateway.service.transaction() as tx:
        found = await store.find_session(tx, domain.session_hash(session.cookie), handlers.living(SessionLimits()))
    assert found is not None
    return found


async def test_a_session_that_is_not_used_ends(gateway, clock):
    browser = await gateway.provider()
    clock.now += IDLE - SECOND
    assert await role_of(browser) == "provider"
    clock.now += IDLE
    assert await role_of(browser) == "public"


async def test_each_use_lets_it_go_on_and_twelve_hours_end_it(gateway, clock):
    browser, began = await gateway.provider(), clock.now
    while clock.now + timedelta(minutes=20) < began + WHOLE:
        clock.now += timedelta(minutes=20)
        assert await role_of(browser) == "provider"
    clock.now = began + WHOLE
    assert await role_of(browser) == "public"


async def test_control_where_uses_are_not_noted_it_ends_in_use(gateway, clock, monkeypatch):
    async def forget(*_):
        pass

    monkeypatch.setattr(store, "set_last_used", forget)
    browser = await gateway.provider()
    clock.now += timedelta(minutes=20)
    assert await role_of(browser) == "provider"
    clock.now += timedelta(minutes=20)
    assert await role_of(browser) == "public"


async def test_the_times_are_settings(gateway, clock):
    settings = gateway.state.settings.model_copy(update={"sessions": SessionLimits(idle_s=60, whole_s=90)})
    gateway.change(settings=settings)
    unused, used = await gateway.provider(), await gateway.provider()
    clock.now += timedelta(seconds=50)
    assert await role_of(used) == "provider"
    clock.now += timedelta(seconds=20)
    assert (await role_of(used), await role_of(unused)) == ("provider", "public")
    clock.now += timedelta(seconds=20)
    assert await role_of(used) == "public"


@pytest.mark.parametrize(
    "times", [{"idle_s": 100, "whole_s": 99}, {"idle_s": 0}, {"whole_s": -1}, {"whole_s": 10**12}, {"idle": 5}]
)
def test_times_that_cannot_be_are_refused(times):
    with pytest.raises(ValidationError):
        SessionLimits(**times)


async def test_a_session_ends_with_its_token(gateway, clock):
    brief = await opened(gateway, timedelta(minutes=50))
    assert abs(brief.expires_at - clock.now - timedelta(minutes=50)) < 2 * SECOND


async def test_control_a_longer_token_does_not_prolong_a_session(gateway, clock):
    assert (await opened(gateway, timedelta(hours=20))).expires_at == clock.now + WHOLE


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "e30.e30.e30", "e30.W10.e30"])
def test_what_is_no_token_opens_no_session(token):
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        domain.token_expires_at(token)


async def test_uses_are_noted_once_a_minute(gateway, clock, monkeypatch):
    noted, note = [], store.set_last_used

    async def counted(tx, *which):
        noted.append(clock.now)
        await note(tx, *which)

    monkeypatch.setattr(store, "set_last_used", counted)
    browser, began = await gateway.provider(), clock.now
    for _ in range(12):
        clock.now += timedelta(seconds=15)
        await role_of(browser)
    assert noted == [began + timedelta(minutes=number) for number in (1, 2, 3)]
    assert [row["last_used_at"] for row in await rows(gateway)] == noted[-1:]


async def test_who_reads_does_not_wait_for_who_writes(gateway, clock):
    browser = await gateway.provider()
    clock.now += timedelta(minutes=2)
    async with gateway.service.transaction() as tx:
        await tx.execute("SELECT FROM sessions FOR UPDATE")
        assert await asyncio.wait_for(role_of(browser), 3) == "provider"


async def test_while_nothing_can_be_written_pages_are_answered(gateway, clock, monkeypatch):
    async def read_only(*_):
        raise asyncpg.ReadOnlySQLTransactionError

    browser = await gateway.provider()
    clock.now += timedelta(minutes=2)
    monkeypatch.setattr(store, "set_last_used", read_only)
    assert await role_of(browser) == "provider"


async def test_control_a_fault_in_noting_a_use_is_not_passed_over(gateway, clock, monkeypatch):
    async def broken(*_):
        raise LookupError

    browser = await gateway.provider()
    clock.now += timedelta(minutes=2)
    monkeypatch.setattr(store, "set_last_used", broken)
    assert (await browser.get("/session")).status_code == 500


async def test_ended_sessions_are_removed_and_living_ones_stay(gateway, clock):
    for _ in range(3):
        await gateway.provider()
    clock.now += IDLE
    for _ in range(2):
        await gateway.provider()
    async with gateway.service.transaction() as tx:
        await tx.execute("UPDATE sessions SET created_at = $2, expires_at = $1", clock.now, clock.now - WHOLE)
    await gateway.provider()
    assert await prune(gateway.service.db, SessionLimits(), at_once=2) == 5
    assert [row["created_at"] for row in await rows(gateway)] == [clock.now]
    assert await prune(gateway.service.db, SessionLimits()) == 0


async def test_a_row_that_is_held_is_removed_the_next_time(gateway, clock):
    held = domain.session_hash((await gateway.provider()).cookies["rekku-session"])
    await gateway.provider()
    clock.now += IDLE
    async with gateway.service.transaction() as tx:
        await tx.execute("SELECT FROM sessions WHERE session_hash = $1 FOR UPDATE", held)
        assert await asyncio.wait_for(prune(gateway.service.db, SessionLimits()), 3) == 1
    assert [row["session_hash"] for row in await rows(gateway)] == [held]
    assert await prune(gateway.service.db, SessionLimits()) == 1


async def test_the_gateway_removes_them_by_itself(gateway, clock):
    """Nobody signs in, and nothing is asked."""

    async def none_left() -> bool:
        return await rows(gateway) == []

    await gateway.provider()
    clock.now += IDLE
    await gateway.service.runtime.start()
    try:
        await until(none_left)
    finally:
        await gateway.service.runtime.stop()
