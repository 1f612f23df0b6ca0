"""With a guard broken, the same looks at the same state find what is lost or happened twice."""

import asyncio

import pytest

from chassis.settings import BusKind
from tests.failpoints import sabotaged as sabotage
from tests.failpoints.digest import differences
from tests.failpoints.held import commits_held, table_held
from tests.failpoints.rounds import Failpoint, Grounds, grounds
from tests.failpoints.workload import CLIENTS, Year
from tests.system.conftest import a_home
from tests.system.people import HEART

pytestmark = pytest.mark.campaign("sabotage")

WITNESS = """
CREATE TABLE {0}.witness (decision_ref text PRIMARY KEY, times integer NOT NULL);
GRANT SELECT, INSERT, UPDATE ON {0}.witness TO rekku_{0};
"""


@pytest.fixture(scope="package")
async def broken(bus):
    """A system in which every service has another guard broken."""
    with a_home() as home:
        async with grounds(home, bus, command=(sabotage.__file__,)) as prepared:
            for service in ("courses", "notifications"):
                await prepared.admin.execute(WITNESS.format(service))
            await prepared.look_again()
            yield prepared


async def one_grant(year: Year) -> None:
    """One client is granted."""
    await year.grant(1)


async def _changed_by_killing(ground: Grounds, phases, failpoint: Failpoint) -> list[str]:
    """What is different when the service is killed there in the last of the phases."""
    undisturbed, disturbed = await ground.new_year(), None
    for phase in phases:
        expected, _ = await ground.tell(undisturbed, phase)
    disturbed = await ground.new_year()
    for phase in phases[:-1]:
        await ground.tell(disturbed, phase)
    state, _ = await ground.tell(disturbed, phases[-1], [failpoint])
    return list(differences(expected, state))


async def test_without_the_inbox_a_repeated_delivery_has_its_effect_twice(broken):
    phases = (Year.register, one_grant)
    with_inbox = await _changed_by_killing(broken, phases, Failpoint("courses", "position.before"))
    assert with_inbox == []
    without = await _changed_by_killing(broken, phases, Failpoint("notifications", "position.before"))
    assert [line.partition(" in ")[0] for line in without] == ["notifications.witness: times: 1 became 2"]


async def test_a_position_stored_before_the_effect_loses_the_effect(broken):
    found = await _changed_by_killing(broken, (Year.register,), Failpoint("search", "commit.before"))
    assert any(line.startswith("search.inbox: gone") for line in found)
    assert {line.partition(".")[0] for line in found} <= {"search", "rows added: gone: search"}


async def test_a_relay_that_reads_by_cursor_loses_what_commits_late(ground, broken):
    assert await _changed_by_a_late_commit(ground) == []
    found = await _changed_by_a_late_commit(broken)
    assert any(line.startswith("topic rekku.registrations: gone") for line in found)
    assert any(line.startswith("search.contracts: ") and "email" in line for line in found)


async def _changed_by_a_late_commit(ground: Grounds) -> list[str]:
    """Two contracts are changed; the event that got its number first is committed last."""

    async def overtaken(year: Year) -> None:
        async with commits_held(ground.admin, year.contract_id) as one_is_held:
            late = asyncio.create_task(year.set_contact(year.contract_id, "late@story.example"))
            await one_is_held()
            await year.set_contact(other, "early@story.example")
            await ground.sent("registration")
        await late

    async def one_after_the_other(year: Year) -> None:
        await year.set_contact(year.contract_id, "late@story.example")
        await year.set_contact(other, "early@story.example")

    states = []
    for change in (one_after_the_other, overtaken):
        year = await ground.new_year()
        await ground.tell(year, Year.register)
        other = await year.sign("other contract", HEART)
        states.append((await ground.tell(year, change))[0])
    return list(differences(*states))


async def test_automatic_acknowledgement_loses_what_was_only_fetched(ground, broken):
    assert await _changed_by_dying_over_a_record(ground, acknowledged=False) == []
    if ground.bus_kind is BusKind.KAFKA:
        found = await _changed_by_dying_over_a_record(broken, acknowledged=True)
        assert any(line.startswith("decisions.pins: gone") for line in found)
        assert any(line.startswith("decisions.inbox: gone") for line in found)


async def _changed_by_dying_over_a_record(ground: Grounds, *, acknowledged: bool) -> list[str]:
    """The decisions service is killed while a pin it has heard of cannot be written down."""

    async def in_peace(year: Year) -> None:
        await year.pin(CLIENTS)

    async def over_a_record(year: Year) -> None:
        async with table_held(ground.admin, "decisions.pins") as one_is_held:
            await year.pin(CLIENTS)
            await one_is_held()
            if acknowledged:
                await ground.nothing_behind()
            victim = ground.system.program("decisions").process
            victim.kill()
            await victim.wait()
        await ground.ready("decisions")

    async def grant_the_last(year: Year) -> None:
        await year.grant(CLIENTS)

    states = []
    for pinning in (in_peace, over_a_record):
        year = await ground.new_year()
        for phase in (Year.register, Year.pin_and_confirm, grant_the_last):
            await ground.tell(year, phase)
        states.append((await ground.tell(year, pinning))[0])
    return list(differences(*states))
