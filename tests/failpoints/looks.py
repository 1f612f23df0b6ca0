"""Looks at a system in which something is held up or dies, the same for a healthy system and a broken one."""

import asyncio

from tests.failpoints.digest import differences
from tests.failpoints.held import commits_held, table_held
from tests.failpoints.rounds import Grounds
from tests.failpoints.workload import CLIENTS, Year
from tests.system.people import HEART


async def changed_by_a_late_commit(ground: Grounds) -> list[str]:
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


async def changed_by_dying_over_a_record(ground: Grounds, *, acknowledged: bool) -> list[str]:
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
