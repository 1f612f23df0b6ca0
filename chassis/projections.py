"""Rebuilding a projection from its topics, beside the live one and under load (decision record 0013).

The next generation is filled with what the log holds up to where the live projection has got; when it
is nearly there, the live projection stands still for a moment: the last records are applied, the two
are compared, and on request the new rows take the place of those that differ. Reactions are not run.
"""

from __future__ import annotations

import asyncio
import gc
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import asyncpg

from chassis.bus import Record
from chassis.bus.history import History
from chassis.db import Connection, Database
from chassis.dead_letters import describe
from chassis.failures import backoff_s, of_the_moment
from chassis.generations import Contents, Difference, NextGeneration, UndeclaredWork
from chassis.service import Service
from contracts.envelope import Envelope, Event, UndecodableRecord, attributes_of, decode, decode_body
from contracts.topics import TOPICS

BATCH = 2_000
_AHEAD = 3
_NEARLY_THERE = 1_000
_LOCK_ATTEMPTS = 8
_STAND_STILL = "LOCK TABLE projected_positions IN EXCLUSIVE MODE"
_VERSION = re.compile(rb'\{"version":(\d{1,18})[,}]')

Place = tuple[str, int]
"""A topic and the number of one of its partitions."""

Letter = tuple[str, int, int]
"""Topic, partition and position of a dead letter."""

_Read = tuple[Mapping[str, str], bytes]

Progress = Callable[[int, int], None]
"""Told how many records have been read, of how many."""


class RebuildImpossible(Exception):
    """The projection cannot be built anew; the live one is as it was. The message says why."""


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild has found and done.

    Args:
        records: how many were read; `taken` of them were applied, because newer ones superseded the rest.
        letters: records left out because they are dead letters of the live projection.
        failed: records that the live projection took and this one could not, each with its error.
        written: rows that were written to the live tables.
        stood_still_s: how long the live projection waited.
    """

    records: int
    taken: int
    letters: int
    failed: tuple[str, ...]
    seconds: float
    stood_still_s: float
    tables: Mapping[str, Contents]
    differences: tuple[Difference, ...]
    written: int

    @property
    def same(self) -> bool:
        """True where the live generation was what its topics say."""
        return not self.differences and not self.failed


@dataclass
class _Reached:
    """How far the next generation has got."""

    positions: dict[Place, int] = field(default_factory=dict)
    taken: int = 0
    left_out: dict[Letter, Record] = field(default_factory=dict)
    failed: dict[Letter, str] = field(default_factory=dict)

    @property
    def records(self) -> int:
        return sum(self.positions.values())

    def copy(self) -> _Reached:
        return replace(self, positions=dict(self.positions), left_out=dict(self.left_out), failed=dict(self.failed))


@dataclass(frozen=True)
class _Batch:
    """Records of one partition up to `next_position`; `events` is None where one of them cannot be decoded."""

    place: Place
    next_position: int
    records: Sequence[Record]
    events: Sequence[Event] | None


class Rebuild:
    """One rebuild of one service's projection."""

    def __init__(self, service: Service, database: Database, history: History, progress: Progress) -> None:
        if service.project is None:
            raise RebuildImpossible(f"{service.name} has no projection: nothing of it can be rebuilt from topics")
        self._service = service
        self._project_events = service.project
        self._database = database
        self._history = history
        self._progress = progress
        self._types = {event.wire_type for event in service.projected}
        self._groups = {event.wire_type: nth for nth, group in enumerate(service.superseding) for event in group}
        self._letters: set[Letter] = set()
        self._reached = _Reached()

    async def run(self, *, accept: bool) -> Rebuilt:
        """Build, compare, and where `accept` says so let the new generation take the live one's place.

        Raises:
            RebuildImpossible: the history is cut, the projection does what cannot be done again, another
                rebuild of the service is running, or the live projection could not be made to wait.
        """
        started = time.monotonic()
        async with self._database.connection() as connection:
            lock = f"rebuild {self._service.name}"
            if not await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", lock):
                raise RebuildImpossible(f"another rebuild of {self._service.name} is running")
            generation = NextGeneration(self._database, connection, self._service.projection_tables)
            try:
                await generation.create()
                while await self._catch_up(connection, generation) > _NEARLY_THERE:
                    pass
                await generation.analyze()
                outcome = await self._settle(connection, generation, accept=accept)
            except (UndeclaredWork, asyncpg.ReadOnlySQLTransactionError) as error:
                raise RebuildImpossible(
                    f"the projection of {self._service.name} does more than write its declared tables: {error}"
                ) from error
            finally:
                if not connection.is_closed():
                    await generation.drop()
                    await connection.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", lock)
        return replace(outcome, seconds=time.monotonic() - started)

    async def _settle(self, connection: Connection, generation: NextGeneration, *, accept: bool) -> Rebuilt:
        for attempt in range(_LOCK_ATTEMPTS):
            reached = self._reached.copy()
            try:
                return await self._compare(connection, generation, accept=accept)
            except asyncpg.LockNotAvailableError:
                # What was applied in the transaction went with it.
                self._reached = reached
                await asyncio.sleep(backoff_s(attempt, first_s=0.2))
                await self._catch_up(connection, generation)
        raise RebuildImpossible(f"the live projection of {self._service.name} does not let go of its tables; try later")

    async def _compare(self, connection: Connection, generation: NextGeneration, *, accept: bool) -> Rebuilt:
        """While the live projection stands still: apply the last records, compare, and replace what differs."""
        async with connection.transaction():
            await connection.execute(_STAND_STILL)
            since = time.monotonic()
            await self._catch_up(connection, generation)
            await connection.execute("SELECT set_config('rekku.scope', '*', true)")
            new = await generation.contents()
            differences = await generation.differences(new)
            written = await generation.replace(found.table for found in differences) if accept else 0
        return Rebuilt(
            records=self._reached.records,
            taken=self._reached.taken,
            letters=len(self._reached.left_out),
            failed=tuple(
                f"{topic}/{partition}/{position}: {error}"
                for (topic, partition, position), error in sorted(self._reached.failed.items())
            ),
            seconds=0,
            stood_still_s=time.monotonic() - since,
            tables=new,
            differences=tuple(differences),
            written=written,
        )

    async def _catch_up(self, connection: Connection, generation: NextGeneration) -> int:
        """Apply everything up to where the live projection is now; how many records those were."""
        rows = await connection.fetch("SELECT topic, partition, next_position FROM projected_positions")
        upto = {(row["topic"], row["partition"]): row["next_position"] for row in rows}
        # Read after the positions: then every letter from before them is known.
        letters = await connection.fetch(
            "SELECT topic, partition, position FROM dead_letters WHERE state != 'replayed'"
        )
        self._letters = {(row["topic"], row["partition"], row["position"]) for row in letters}
        before, total = self._reached.records, sum(upto.values())
        for place in self._reached.left_out.keys() - self._letters:
            await self._apply_carefully(generation, [self._reached.left_out.pop(place)])
        ahead: asyncio.Queue[_Batch | Exception | None] = asyncio.Queue(_AHEAD)
        reading = asyncio.create_task(self._read_ahead(upto, ahead))
        try:
            while (batch := await ahead.get()) is not None:
                if isinstance(batch, Exception):
                    raise batch
                await self._apply(generation, batch)
                self._progress(self._reached.records, total)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        return self._reached.records - before

    async def _read_ahead(self, upto: Mapping[Place, int], ahead: asyncio.Queue[_Batch | Exception | None]) -> None:
        """Read and decode while PostgreSQL works on earlier batches; the last thing put is None, or what went wrong."""
        try:
            async for batch in self._batches(upto):
                await ahead.put(batch)
            await ahead.put(None)
        except Exception as error:  # noqa: BLE001 - it is raised where the batches are applied
            await ahead.put(error)

    async def _batches(self, upto: Mapping[Place, int]) -> AsyncIterator[_Batch]:
        for (topic, partition), end in sorted(upto.items()):
            position = self._reached.positions.get((topic, partition), 0)
            while position < end:
                records = await self._history.read(topic, partition, position, min(BATCH, end - position))
                if not records:
                    raise RebuildImpossible(
                        f"{topic}/{partition} ends at {position}, but the live projection has got to {end}:"
                        " the topic is not the one it was built from"
                    )
                if position == 0 and records[0].position > 0 and not TOPICS[topic].compacted:
                    raise RebuildImpossible(f"the first {records[0].position} records of {topic}/{partition} are gone")
                position = min(records[-1].position + 1, end)
                yield self._batch((topic, partition), position, records)

    def _batch(self, place: Place, next_position: int, records: Sequence[Record]) -> _Batch:
        """What of these records is projected; of events that supersede one another only the newest is decoded."""
        projected: list[Record] = []
        single: list[_Read] = []
        newest: dict[tuple[int, bytes | None], tuple[int, _Read]] = {}
        for record in records:
            if record.position >= next_position:
                break
            attributes = _attributes_of(record)
            wire_type = attributes.get("ce_type")
            if wire_type not in self._types:
                continue
            letter = (record.topic, record.partition, record.position)
            if letter in self._letters:
                self._reached.left_out[letter] = record
                continue
            projected.append(record)
            body = record.value or b""
            version = _VERSION.match(body)
            if wire_type not in self._groups or version is None:
                single.append((attributes, body))
                continue
            aggregate, number = (self._groups[wire_type], record.key), int(version[1])
            if aggregate not in newest or number > newest[aggregate][0]:
                newest[aggregate] = (number, (attributes, body))
        read = (*single, *(newest_read for _, newest_read in newest.values()))
        try:
            return _Batch(place, next_position, projected, [_event(decode_body(*one)) for one in read])
        except UndecodableRecord:
            return _Batch(place, next_position, projected, None)

    async def _apply(self, generation: NextGeneration, batch: _Batch) -> None:
        applied = batch.events is not None and await self._project(generation, batch.events) is None
        if not applied:
            await self._apply_carefully(generation, batch.records)
        self._reached.positions[batch.place] = batch.next_position

    async def _apply_carefully(self, generation: NextGeneration, records: Sequence[Record]) -> None:
        """All records, halved until the one that fails is alone: as the live projection does it."""
        error: Exception | None
        try:
            error = await self._project(
                generation, [_event(decode(record.headers, record.value or b"")) for record in records]
            )
        except UndecodableRecord as undecodable:
            error = undecodable
        if error is None:
            return
        if len(records) > 1:
            middle = len(records) // 2
            await self._apply_carefully(generation, records[:middle])
            await self._apply_carefully(generation, records[middle:])
            return
        (record,) = records
        self._reached.failed[(record.topic, record.partition, record.position)] = describe(error)

    async def _project(self, generation: NextGeneration, events: Sequence[Event]) -> Exception | None:
        """Apply events in one transaction; what a bug of the projection raised, if any, is the answer."""
        if not events:
            return None
        try:
            async with generation.filling() as tx:
                await self._project_events(tx, events)
        except UndeclaredWork:
            raise
        except Exception as error:
            if of_the_moment(error):
                raise
            # Any bug of a projection; the record that has it is found and named.
            return error
        self._reached.taken += len(events)
        return None


def _attributes_of(record: Record) -> dict[str, str]:
    try:
        return attributes_of(record.headers)
    except UndecodableRecord:
        return {}


def _event(envelope: Envelope[Event] | None) -> Event:
    if envelope is None:
        raise UndecodableRecord("the type is not known")
    return envelope.event


async def rebuild(
    service: Service,
    database: Database,
    history: History,
    *,
    accept: bool = False,
    progress: Progress = lambda _done, _total: None,
) -> Rebuilt:
    """Build the projection of `service` anew and compare it; `accept` puts it in the live one's place.

    Raises:
        RebuildImpossible: as `Rebuild.run` says; the live projection is untouched.
    """
    with _without_garbage_collector():
        return await Rebuild(service, database, history, progress).run(accept=accept)


@contextmanager
def _without_garbage_collector() -> Iterator[None]:
    """Millions of objects come and go, none of them in a cycle: looking for cycles takes half of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
