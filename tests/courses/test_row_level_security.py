"""The second wall: what SQL itself shows to whom."""

import asyncpg
import pytest

from chassis.auth import PUBLIC, Principal, Role
from tests.courses.builders import OTHER_PROVIDER, PROVIDER

TABLES = ("contracts", "offices", "place_ledgers", "courses", "decisions", "pins")


async def rows_seen(courses, principal):
    async with courses.service.transaction(principal) as tx:
        return {table: await tx.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES}


async def test_a_provider_sees_its_own_rows_and_nobody_elses(courses):
    """Officers and systems see all, the public nothing."""
    await courses.a_course(pinned=1)
    everything = await rows_seen(courses, Principal("officer", Role.OFFICER))
    assert min(everything.values()) >= 1
    assert await rows_seen(courses, Principal("worker", Role.PROVIDER, PROVIDER)) == everything
    nothing = dict.fromkeys(TABLES, 0)
    assert await rows_seen(courses, Principal("worker", Role.PROVIDER, OTHER_PROVIDER)) == nothing
    assert await rows_seen(courses, PUBLIC) == nothing


async def test_a_provider_cannot_write_rows_of_another(courses):
    await courses.a_course(pinned=1)
    for table in TABLES:
        async with courses.service.transaction(Principal("worker", Role.PROVIDER, OTHER_PROVIDER)) as tx:
            assert await tx.execute(f"UPDATE {table} SET provider_id = provider_id") == "UPDATE 0"
        own = courses.service.transaction(Principal("worker", Role.PROVIDER, PROVIDER))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with own as tx:
                await tx.execute(f"UPDATE {table} SET provider_id = $1", OTHER_PROVIDER)
