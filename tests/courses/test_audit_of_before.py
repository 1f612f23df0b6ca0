"""Rows of the audit as the release before decision record 0032 wrote them: never rewritten, and read as ever."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from chassis.clock import ClockKind
from chassis.db import Database
from chassis.history import HistoryEntry, read_history
from chassis.migrate import Migration, migrate, migrations_of
from chassis.testing import ClusterUnderTest
from chassis.vault import Vault
from services.courses.acts import Act
from services.courses.app import SERVICE

ROWS = (Path(__file__).parent / "audit_of_before.sql").read_text()
COURSE, PIN = "course:01a232ae-45fc-71c6-b0d1-dd7d3388054c", "pin:D00000000001U"
LAST_OF_BEFORE = {"chassis": "chassis/0004", "service": "service/0007"}
_ALL = "SELECT id, at, actor, role, on_behalf_of, action, subject, detail::text, xmin::text FROM audit ORDER BY id"


def of_before() -> list[Migration]:
    """The migrations that the release before had."""
    return [each for each in migrations_of(SERVICE.migrations) if each.name[:12] <= LAST_OF_BEFORE[each.name[:7]]]


@dataclass(frozen=True)
class Home:
    """A database of the release before; URLs of its application and its owner."""

    application: str
    owner: str

    async def ask(self, sql: str, *, as_owner: bool = False) -> list[asyncpg.Record]:
        url = self.owner if as_owner else self.application
        connection = await asyncpg.connect(url, server_settings={"search_path": "courses"})
        try:
            return await connection.fetch(sql)
        finally:
            await connection.close()

    async def history(self, subject: str) -> list[HistoryEntry]:
        database = await Database.connect(self.application, "courses", ClockKind.REAL, Vault(""), size=1)
        try:
            async with database.transaction() as tx:
                return await read_history(tx, SERVICE.audited, subject, limit=100)
        finally:
            await database.close()


@pytest.fixture
async def home(cluster: ClusterUnderTest) -> AsyncIterator[Home]:
    async with cluster.database([]) as name:
        home = Home(cluster.cluster.url("rekku_courses", name), cluster.cluster.url("rekku_courses_owner", name))
        await migrate(home.owner, "courses", of_before())
        connection = await asyncpg.connect(home.application, server_settings={"search_path": "courses"})
        await connection.execute(ROWS)
        await connection.close()
        yield home


async def test_what_was_done_before_is_read_as_the_acts_it_has_become(home: Home):
    """A command has left two rows then, of which the one that says more counts, or one with its route."""
    await migrate(home.owner, "courses", migrations_of(SERVICE.migrations))
    entries = await home.history(COURSE)
    assert [(entry.act, bool(entry.detail)) for entry in entries] == [
        (Act.CREATE_COURSE, True),
        (Act.PUBLISH_COURSE, False),
        (Act.SET_CONTACT, True),
        (Act.SET_CONTACT, False),
        (Act.RESIZE_COURSE, True),
    ]
    assert [entry.unchanged for entry in entries] == [False, False, False, True, False]
    assert entries[3].action == "PUT /courses/{course_id}/contact"
    assert [(entry.act, entry.role) for entry in await home.history(PIN)] == [
        (Act.PIN_CLIENT, "provider"),
        (Act.RELEASE_CLIENT, "system"),
    ]


async def test_no_row_of_before_is_rewritten(home: Home):
    """The table is not either: it is the same file, and its rows are of the transactions that wrote them."""
    where = "SELECT pg_relation_filenode('audit')"
    before = await home.ask(_ALL), await home.ask(where)
    await migrate(home.owner, "courses", migrations_of(SERVICE.migrations))
    assert (await home.ask(_ALL), await home.ask(where)) == before
    assert len(before[0]) > 9


async def test_rows_of_before_and_of_now_stand_in_one_history(home: Home):
    """What was shown to officers does not."""
    await migrate(home.owner, "courses", migrations_of(SERVICE.migrations))
    insert = (
        "INSERT INTO audit (at, actor, role, action, subject, route) VALUES (now(), 'a', 'officer', '{}', '{}', '{}')"
    )
    await home.ask(insert.format("end_course", COURSE, "POST /courses/{course_id}/deletion"))
    await home.ask(insert.format("read_pins", COURSE, "GET /courses/{course_id}/pins"))
    assert [entry.act for entry in await home.history(COURSE)][4:] == [Act.RESIZE_COURSE, Act.END_COURSE]


async def test_the_version_before_goes_on_writing(home: Home):
    """Both run side by side during a rollout: its rows, by its type."""
    await migrate(home.owner, "courses", migrations_of(SERVICE.migrations))
    await home.ask(
        "INSERT INTO audit (at, actor, role, on_behalf_of, action, subject, detail) SELECT * FROM unnest("
        "ARRAY[(now(), 'a', 'officer', NULL, 'POST /things', '/things', '{}')::audit_row])"
    )
    assert (await home.history("/things"))[0].act is None


async def test_a_home_that_is_there_is_mended(home: Home):
    """Default privileges have given the application everything: that was so, and is no more."""
    assert await home.ask("UPDATE audit SET actor = actor WHERE false") == []
    assert await home.ask("SELECT name FROM migrations")
    await migrate(home.owner, "courses", migrations_of(SERVICE.migrations))
    for change in ("UPDATE audit SET actor = actor WHERE false", "DELETE FROM audit", "SELECT name FROM migrations"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await home.ask(change)
