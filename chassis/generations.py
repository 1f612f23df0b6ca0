"""A projection's next generation: temporary tables of one session, in the shape of the live ones.

They shadow the live tables for that session alone, and vanish with it. What fills them runs read-only,
which PostgreSQL grants temporary tables only: the live generation cannot be touched by accident.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from chassis.auth import SYSTEM
from chassis.clock import NOW_SQL
from chassis.db import Connection, Database, Transaction

READ_ONLY = "SET TRANSACTION READ ONLY"
_LONG_S = 3600
_MEMORY = "128MB"
_KEYS_SHOWN = 5
_WORD = 2**64


class UndeclaredWork(Exception):
    """The projection does more than write its declared tables; that cannot be done again beside the live one."""


@dataclass(frozen=True)
class Contents:
    """What a table holds: how many rows, and a digest that does not depend on their order."""

    rows: int
    digest: str


@dataclass(frozen=True)
class Difference:
    """How a live table and its next generation differ, with the first keys in their order."""

    table: str
    live: Contents
    new: Contents
    changed: int
    only_live: int
    only_new: int
    first_keys: tuple[str, ...]


@dataclass(frozen=True)
class _Shape:
    columns: tuple[str, ...]
    key: tuple[str, ...]


class NextGeneration:
    """The next generation of `tables`, referenced tables first, on a connection of its own."""

    def __init__(self, database: Database, connection: Connection, tables: Sequence[str]) -> None:
        self._database = database
        self._connection = connection
        self._tables = tables
        self._shapes: dict[str, _Shape] = {}
        self._begin = f"SELECT set_config('rekku.scope', '*', true), {NOW_SQL[database.clock]} AS now"

    async def create(self) -> None:
        """Make the tables, empty."""
        await self._connection.execute(f"SET temp_buffers = '{_MEMORY}'")
        for table in self._tables:
            await self._connection.execute(
                f"CREATE TEMPORARY TABLE {table} (LIKE {self._live(table)} INCLUDING ALL EXCLUDING COMMENTS)"
            )
            self._shapes[table] = await self._shape_of(table)

    async def drop(self) -> None:
        """Remove the tables; the end of the session would, too."""
        await self._connection.execute("DISCARD TEMP")

    @asynccontextmanager
    async def filling(self) -> AsyncIterator[Transaction]:
        """A transaction, or a part of one, in which nothing but the next generation can be written.

        Raises:
            UndeclaredWork: something was emitted.
        """
        async with self._connection.transaction():
            await self._connection.execute(READ_ONLY)
            started = await self._connection.fetchrow(self._begin)
            if started is None or started["now"] is None:
                raise ConnectionError("the simulated clock has not been set")
            tx = Transaction(self._connection, self._database.service, started["now"], SYSTEM, self._database.vault)
            yield tx
            if tx.outgoing:
                raise UndeclaredWork("it emits events")

    async def analyze(self) -> None:
        """Let the planner know what has come together."""
        await self._connection.execute(f"ANALYZE {', '.join(f'pg_temp.{table}' for table in self._tables)}")

    async def contents(self) -> dict[str, Contents]:
        """What each table of the next generation holds."""
        return {table: await contents_of(self._connection, f"pg_temp.{table}") for table in self._tables}

    async def differences(self, new: dict[str, Contents]) -> list[Difference]:
        """The tables whose live generation holds something else than `new`."""
        live = {table: await contents_of(self._connection, self._live(table)) for table in self._tables}
        return [
            await self._difference(table, live[table], new[table])
            for table in self._tables
            if live[table] != new[table]
        ]

    async def replace(self, tables: Iterable[str]) -> int:
        """Make the live rows of `tables` those of the next generation; only rows that differ are written."""
        wanted = set(tables)
        differing = [table for table in self._tables if table in wanted]
        written = 0
        for table in reversed(differing):
            written += await self._run(
                f"DELETE FROM {self._live(table)} AS live WHERE NOT EXISTS"  # noqa: S608 - the names are declared
                f" (SELECT FROM pg_temp.{table} AS new WHERE {self._same_key(table)})"
            )
        for table in differing:
            columns = ", ".join(self._shapes[table].columns)
            excluded = ", ".join(f"excluded.{column}" for column in self._shapes[table].columns)
            written += await self._run(
                f"INSERT INTO {self._live(table)} ({columns})"  # noqa: S608 - the names are declared
                f" SELECT {columns} FROM pg_temp.{table} AS new"
                f" WHERE NOT EXISTS (SELECT FROM {self._live(table)} AS live"
                f" WHERE {self._same_key(table)} AND live::text = new::text)"
                f" ON CONFLICT ({', '.join(self._shapes[table].key)}) DO UPDATE SET ({columns}) = ROW ({excluded})"
            )
        return written

    async def _run(self, statement: str) -> int:
        return int((await self._connection.execute(statement, timeout=_LONG_S)).rpartition(" ")[2])

    async def _difference(self, table: str, live: Contents, new: Contents) -> Difference:
        key = self._shapes[table].key
        differing = (
            f"FROM {self._live(table)} AS live FULL JOIN pg_temp.{table} AS new USING ({', '.join(key)})"
            " WHERE live::text IS DISTINCT FROM new::text"
        )
        counts = await self._connection.fetchrow(
            f"SELECT count(*) FILTER (WHERE live.{key[0]} IS NULL) AS only_new,"
            f" count(*) FILTER (WHERE new.{key[0]} IS NULL) AS only_live, count(*) AS every {differing}",
            timeout=_LONG_S,
        )
        if counts is None:
            raise AssertionError("a count has one row")
        keys = await self._connection.fetch(
            f"SELECT concat_ws('/', {', '.join(key)}) AS key {differing} ORDER BY {', '.join(key)} LIMIT {_KEYS_SHOWN}",
            timeout=_LONG_S,
        )
        return Difference(
            table=table,
            live=live,
            new=new,
            changed=counts["every"] - counts["only_new"] - counts["only_live"],
            only_live=counts["only_live"],
            only_new=counts["only_new"],
            first_keys=tuple(row["key"] for row in keys),
        )

    async def _shape_of(self, table: str) -> _Shape:
        row = await self._connection.fetchrow(
            "SELECT array_agg(attname::text ORDER BY attnum) AS columns,"
            " array_agg(attname::text ORDER BY array_position(indkey::smallint[], attnum))"
            " FILTER (WHERE attnum = ANY (indkey)) AS key"
            " FROM pg_attribute JOIN pg_index ON indrelid = attrelid AND indisprimary"
            " WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
            self._live(table),
        )
        if row is None or row["key"] is None:
            raise UndeclaredWork(f"the table {table} has no primary key")
        return _Shape(tuple(row["columns"]), tuple(row["key"]))

    def _same_key(self, table: str) -> str:
        return " AND ".join(f"live.{column} = new.{column}" for column in self._shapes[table].key)

    def _live(self, table: str) -> str:
        return f"{self._database.service}.{table}"


async def contents_of(connection: Connection, table: str) -> Contents:
    """The contents of a table, as far as this connection may see them; the order of the rows does not matter."""
    row = await connection.fetchrow(
        "SELECT count(*) AS rows,"  # noqa: S608 - the name is declared
        f" coalesce(sum(hashtextextended(held::text, 0)::numeric), 0) AS sum FROM {table} AS held",
        timeout=_LONG_S,
    )
    if row is None:
        raise AssertionError("a count has one row")
    return Contents(row["rows"], f"{int(row['sum']) % _WORD:016x}")
