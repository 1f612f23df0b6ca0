"""How far a projection has come on the bus: kept beside its rows, in the same transaction."""

import asyncpg
import pytest

from chassis.migrate import migrations_of
from tests.chassis.builders import an_office
from tests.chassis.toy.app import SERVICE
from tests.rebuilding import OnBus


async def test_a_position_is_noted_with_its_records_or_not_at_all(here: OnBus):
    with pytest.raises(ZeroDivisionError):
        await here.runtime.inbox._project([here.tested.record_of(an_office(name="poison"))])
    assert await positions(here) == {}
    await here.publish(an_office())
    await here.settled()
    assert len(await positions(here)) == 1


async def test_what_was_projected_before_positions_were_kept_is_known_from_the_bus(here: OnBus):
    """A home of an earlier version: the migration asks the embedded bus how far the service has got."""
    await here.publish(*(an_office(office_id=f"O-{number}") for number in range(5)))
    await here.settled()
    await here.runtime.stop()
    noted = await positions(here)
    owner = await asyncpg.connect(
        here.url("rekku_notifications_owner"), server_settings={"search_path": "notifications"}
    )
    await owner.execute("DROP TABLE projected_positions")
    (migration,) = [m for m in migrations_of(SERVICE.migrations) if m.name == "chassis/0003_projected_positions.sql"]
    await owner.execute(migration.sql)
    await owner.close()
    assert noted.items() <= (await positions(here)).items()
    assert (await here.rebuild()).same


async def positions(here: OnBus) -> dict[tuple[str, int], int]:
    async with here.as_superuser() as looking:
        rows = await looking.fetch("SELECT topic, partition, next_position FROM projected_positions")
    return {(row["topic"], row["partition"]): row["next_position"] for row in rows}
