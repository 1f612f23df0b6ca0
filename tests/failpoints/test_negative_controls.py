"""With a guard broken, the same looks at the same state find what is lost or happened twice.

What a healthy system looks like is what test_every_step.py and test_held_up.py see.
"""

import os

import pytest

from chassis.settings import BusKind
from rekku.nursery import Nursery
from tests.failpoints import sabotaged as sabotage
from tests.failpoints.digest import differences
from tests.failpoints.looks import changed_by_a_late_commit, changed_by_dying_over_a_record
from tests.failpoints.rounds import Failpoint, Grounds, grounds
from tests.failpoints.workload import Year
from tests.system.conftest import a_home

pytestmark = [pytest.mark.campaign("sabotage"), pytest.mark.campaign("kills")]

WITNESS = """
CREATE TABLE {0}.witness (decision_ref text PRIMARY KEY, times integer NOT NULL);
GRANT SELECT, INSERT, UPDATE ON {0}.witness TO rekku_{0};
"""


@pytest.fixture(scope="package")
async def broken(bus):
    """A system in which every service has another guard broken."""
    with a_home() as home:
        parent = Nursery(os.environ, home / "nursery.log", sabotage.__file__)
        async with grounds(home, bus, parent=parent) as prepared:
            for service in ("courses", "notifications"):
                await prepared.admin.execute(WITNESS.format(service))
            await prepared.look_again()
            yield prepared
        await parent.close()


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


async def test_a_relay_that_reads_by_cursor_loses_what_commits_late(broken):
    found = await changed_by_a_late_commit(broken)
    assert any(line.startswith("topic rekku.registrations: gone") for line in found)
    assert any(line.startswith("search.contracts: ") and "email" in line for line in found)


async def test_automatic_acknowledgement_loses_what_was_only_fetched(broken):
    if broken.bus_kind is BusKind.KAFKA:
        found = await changed_by_dying_over_a_record(broken, acknowledged=True)
        assert any(line.startswith("decisions.pins: gone") for line in found)
        assert any(line.startswith("decisions.inbox: gone") for line in found)
