"""Applying records: delivered at least once, applied once.

The event id is inserted in the same transaction as the effect; a known id is skipped. A failure of
the moment is tried again for ever, resting in between; a record that can never be applied, or whose
handler keeps failing, becomes a dead letter in the inbox's own transaction.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from hashlib import blake2b
from uuid import UUID

from opentelemetry.trace import SpanKind

from chassis import dead_letters, telemetry
from chassis.bus import Record
from chassis.db import BRIEFLY, HURRIEDLY, Database, Transaction
from chassis.failures import backoff_s, of_the_moment
from chassis.lanes import LASTING, WHOLE, Lanes, Rest
from chassis.reading import NOBODY, OUTSIDE, Sources, envelope_of, wire_type_of
from chassis.service import Service
from contracts.envelope import EVENTS, Envelope, Event, EventKind, UndecodableRecord
from contracts.topics import TOPICS

_log = logging.getLogger(__name__)

REACTION = "reaction"
PROJECTION = "projection"

_COMPACTED = frozenset(topic.name for topic in TOPICS.values() if topic.compacted)
"""Where a record without a body says that a key is erased: what it spoke of went with the client's key."""

# How far the projection gets, dead letters counted, in the transaction that gets it there. A rebuild that
# takes the table's lock waits for those who are here, and lets nobody in until it is done (record 0013).
_REACH = """
INSERT INTO projected_positions AS held (topic, partition, next_position) VALUES ($1, $2, $3)
ON CONFLICT (topic, partition) DO UPDATE SET next_position = greatest(held.next_position, excluded.next_position)
"""
_BEGIN_PROJECTING = f"""
WITH reached AS ({_REACH})
INSERT INTO inbox (event_id, generation) SELECT unnest($4::uuid[]), $5 ON CONFLICT DO NOTHING RETURNING event_id
"""

_LOCK_WAIT = BRIEFLY

_BUG_ATTEMPTS = 3
_FLOOD_LETTERS = 20
_FLOOD_SHARE = 0.05
_FLOOD_WINDOW_S = 60.0


class Unacceptable(Exception):
    """Raised by a handler: this event will never be accepted, so do not try again (dead letter)."""


class Flood(Exception):
    """So many records fail that it is a bug, not data: the consumer stops."""


class Inbox:
    """One service's inbox.

    Args:
        lanes: how many records, or batches of a projection, are applied at a time.
        sources: who is believed on topics that other systems write.
    """

    def __init__(self, service: Service, database: Database, *, lanes: int = 8, sources: Sources = NOBODY) -> None:
        self._service = service
        self._database = database
        self._sources = sources
        self._turns = asyncio.Semaphore(lanes)
        self._later_turns = asyncio.Semaphore(max(1, lanes // 2))
        self._resting = 0
        self._handled: deque[tuple[float, bool]] = deque()
        self._kept_from_outside: deque[float] = deque()
        self._fact_topics = {event.topic for event in service.reactions if event.kind is EventKind.FACT} - OUTSIDE
        self.flooded = False

    def take(self, records: Sequence[Record], lanes: Lanes) -> None:
        """Put the next records of a partition in its lanes: one per key for reactions, one for all that is projected.

        What this service does not want is finished at once. A lane breaks off with `Flood` where there are too
        many dead letters in too short a time.
        """
        lanes.hold((record.position for record in records), (record.size for record in records))
        projected: list[Record] = []
        for record in records:
            event = self._wanted(record)
            if event is None:
                lanes.finish([record.position])
            elif event in self._service.projected:
                projected.append(record)
            else:
                lanes.put(record.key, [record.position], partial(self._apply_one, record))
        if projected:
            lanes.put(WHOLE, [record.position for record in projected], partial(self._apply_batch, projected))

    async def apply(self, records: Sequence[Record]) -> None:
        """Apply records of one partition; when it returns, every one of them is done, or known, or a dead letter.

        Raises:
            Flood: too many dead letters in too short a time.
        """
        lanes = Lanes()
        try:
            self.take(records, lanes)
            await lanes.finished()
        finally:
            await lanes.close()

    def _wanted(self, record: Record) -> type[Event] | None:
        """The event type of a record that is to be applied, plain `Event` where reading it will tell what it is."""
        if record.topic in OUTSIDE:
            return Event
        if record.value is None and record.topic in _COMPACTED:
            telemetry.tombstones.add(1, {"service": self._service.name, "topic": record.topic})
            return None
        wire_type = wire_type_of(record)
        if wire_type is None:
            return Event
        event = EVENTS.get(wire_type)
        if event is None:
            self._count_unknown(record)
        elif event.topic != record.topic:
            return Event
        elif event in self._service.projected or event in self._service.reactions:
            return event
        return None

    def _count_unknown(self, record: Record) -> None:
        telemetry.unknown_types.add(1, {"service": self._service.name, "topic": record.topic})

    @asynccontextmanager
    async def _turn(self, failures: int) -> AsyncIterator[str]:
        """A turn to apply something, and how long to wait for a lock in it.

        Those who try again share half of the turns, so that the others get theirs.
        """
        if self.flooded:
            raise Flood
        if not failures:
            async with self._turns:
                yield HURRIEDLY if self._resting else _LOCK_WAIT
            return
        async with self._later_turns, self._turns:
            yield _LOCK_WAIT

    async def _apply_one(self, record: Record, rest: Rest) -> None:
        try:
            envelope = envelope_of(record, self._sources)
        except UndecodableRecord as error:
            if record.topic not in OUTSIDE or self._keeps_from_outside(record, error):
                await self._bury(record, None, error, rest)
            return
        if envelope is None:
            self._count_unknown(record)
        elif type(envelope.event) in self._service.reactions:
            await self._react_in_the_end(record, envelope, rest)

    async def _react_in_the_end(self, record: Record, envelope: Envelope[Event], rest: Rest) -> None:
        bugs = failures = 0
        while True:
            try:
                async with self._turn(bugs + failures) as lock_wait:
                    await self._react(record, envelope, lock_wait)
            except Flood:
                raise
            except Unacceptable as error:
                await self._bury(record, envelope.id, error, rest)
            except Exception as error:  # noqa: BLE001 - any bug of a handler ends as a dead letter
                if of_the_moment(error):
                    failures += 1
                    await self._wait(record, failures, error, rest)
                    continue
                bugs += 1
                if bugs < _BUG_ATTEMPTS:
                    await rest(backoff_s(bugs))
                    continue
                _log.exception("%s cannot be handled; it becomes a dead letter", envelope.type)
                await self._bury(record, envelope.id, error, rest)
            else:
                self._count(failed=False)
            return

    async def _react(self, record: Record, envelope: Envelope[Event], lock_wait: str) -> None:
        handler = self._service.reactions[type(envelope.event)]
        with telemetry.span(f"handle {envelope.type}", SpanKind.CONSUMER, envelope.traceparent, topic=record.topic):
            while True:
                async with self._database.transaction(lock_wait=lock_wait, cause=envelope) as tx:
                    if await self._is_new(tx, record, envelope.id):
                        await handler(tx, envelope.event)
                        return
                    if await self._is_known(tx, record, envelope.id) or record.topic not in self._fact_topics:
                        return
                    if await dead_letters.park(tx, record):
                        return
                # The key was let go between the two statements: take the record in the ordinary way.

    async def _is_new(self, tx: Transaction, record: Record, event_id: UUID) -> bool:
        if record.topic in self._fact_topics:
            return bool(
                await tx.fetchval(
                    "INSERT INTO inbox (event_id, generation, body_hash) SELECT $1, $2, $3"
                    " WHERE NOT EXISTS (SELECT FROM parked_keys WHERE topic = $4 AND key = $5)"
                    " ON CONFLICT DO NOTHING RETURNING true",
                    event_id,
                    REACTION,
                    body_hash(record),
                    record.topic,
                    record.key,
                )
            )
        return await add_to_inbox(tx, record, event_id, REACTION)

    async def _is_known(self, tx: Transaction, record: Record, event_id: UUID) -> bool:
        """True for an id that was applied; another body under it is counted, and stays without effect."""
        row = await tx.fetchrow(
            "SELECT body_hash FROM inbox WHERE event_id = $1 AND generation = $2", event_id, REACTION
        )
        if row is not None and row["body_hash"] not in (None, body_hash(record)):
            telemetry.reused_ids.add(1, {"service": self._service.name, "topic": record.topic})
            _log.warning("the event id %s came again with another body, on %s", event_id, record.topic)
        return row is not None

    async def _apply_batch(self, records: Sequence[Record], rest: Rest) -> None:
        """A projection's batch in one transaction; halved until the record that fails is alone."""
        failures = 0
        while True:
            try:
                async with self._turn(failures) as lock_wait:
                    await self._project(records, lock_wait)
            except Flood:
                raise
            except Exception as error:  # noqa: BLE001 - any bug of a projection ends as a dead letter
                if of_the_moment(error):
                    failures += 1
                    await self._wait(records[0], failures, error, rest)
                    continue
                if len(records) > 1:
                    middle = len(records) // 2
                    await self._apply_batch(records[:middle], rest)
                    await self._apply_batch(records[middle:], rest)
                    return
                if not isinstance(error, UndecodableRecord | Unacceptable):
                    _log.exception("a record of %s cannot be projected; it becomes a dead letter", records[0].topic)
                await self._bury(records[0], None, error, rest, projected=True)
                return
            else:
                self._count(failed=False, times=len(records))
                return

    async def _project(self, records: Sequence[Record], lock_wait: str = _LOCK_WAIT) -> None:
        if self._service.project is None:
            raise TypeError(f"{self._service.name} declares projected events but no projection")
        decoded = [envelope_of(record, self._sources) for record in records]
        envelopes = [envelope for envelope in decoded if envelope is not None]
        first = envelopes[0]
        with telemetry.span(
            f"project {first.event.topic}", SpanKind.CONSUMER, first.traceparent, events=len(envelopes)
        ):
            async with self._database.transaction(lock_wait=lock_wait, cause=first) as tx:
                fresh = await tx.fetch(
                    _BEGIN_PROJECTING,
                    records[-1].topic,
                    records[-1].partition,
                    records[-1].position + 1,
                    list(dict.fromkeys(envelope.id for envelope in envelopes)),
                    PROJECTION,
                )
                waiting = {row["event_id"] for row in fresh}
                events = []
                for envelope in envelopes:
                    if envelope.id in waiting:
                        waiting.remove(envelope.id)
                        events.append(envelope.event)
                if events:
                    await self._service.project(tx, events)

    async def _bury(
        self, record: Record, event_id: UUID | None, error: Exception, rest: Rest, *, projected: bool = False
    ) -> None:
        # What will never be accepted is not waited for.
        parks = (
            record.topic in self._fact_topics and dead_letters.may_park(record) and not isinstance(error, Unacceptable)
        )
        failures = 0
        while True:
            try:
                async with self._turn(failures) as lock_wait, self._database.transaction(lock_wait=lock_wait) as tx:
                    if projected:
                        await tx.execute(_REACH, record.topic, record.partition, record.position + 1)
                    if event_id is not None and not await add_to_inbox(tx, record, event_id, REACTION):
                        return
                    if parks and await dead_letters.park(tx, record):
                        return
                    why = dead_letters.describe(error)
                    added = await dead_letters.add_letter(tx, record, event_id, kind_of(error), why, parks_key=parks)
            except Exception as transient:
                if not of_the_moment(transient):
                    raise
                failures += 1
                await self._wait(record, failures, transient, rest)
                continue
            if added:
                self._report(record, error)
            return

    def _report(self, record: Record, error: Exception) -> None:
        of_topic = {"service": self._service.name, "topic": record.topic}
        telemetry.dead_letters.add(1, of_topic)
        _log.error("dead letter from %s/%s/%s: %s", *_place(record), dead_letters.describe(error))
        if record.topic not in OUTSIDE:
            self._count(failed=True)
        elif not isinstance(error, UndecodableRecord):
            telemetry.refused_from_outside.add(1, of_topic | {"why": type(error).__name__})

    def _keeps_from_outside(self, record: Record, error: UndecodableRecord) -> bool:
        """Count what cannot be believed or read; so many a minute are kept as letters, to see what comes."""
        why = type(error).__name__
        telemetry.refused_from_outside.add(1, {"service": self._service.name, "topic": record.topic, "why": why})
        at = time.monotonic()
        while self._kept_from_outside and self._kept_from_outside[0] < at - _FLOOD_WINDOW_S:
            self._kept_from_outside.popleft()
        if len(self._kept_from_outside) >= _FLOOD_LETTERS:
            return False
        self._kept_from_outside.append(at)
        return True

    async def _wait(self, record: Record, failures: int, error: BaseException, rest: Rest) -> None:
        if failures == LASTING:
            _log.error("%s/%s/%s waits: %s lasts", *_place(record), type(error).__name__)
        self._resting += 1
        try:
            await rest(backoff_s(failures, first_s=0.01))
        finally:
            self._resting -= 1

    def _count(self, *, failed: bool, times: int = 1) -> None:
        telemetry.records_handled.add(times, {"service": self._service.name, "failed": failed})
        at = time.monotonic()
        self._handled.extend([(at, failed)] * times)
        while self._handled and self._handled[0][0] < at - _FLOOD_WINDOW_S:
            self._handled.popleft()
        if not failed:
            return
        letters = sum(1 for _, was_failure in self._handled if was_failure)
        if letters >= _FLOOD_LETTERS and letters > _FLOOD_SHARE * len(self._handled):
            self.flooded = True
            _log.critical("%s dead letters within a minute: the consumer stops until it is restarted", letters)
            raise Flood


async def add_to_inbox(tx: Transaction, record: Record, event_id: UUID, generation: str) -> bool:
    """True the first time; the guard that makes a repeated delivery harmless."""
    return bool(
        await tx.fetchval(
            "INSERT INTO inbox (event_id, generation, body_hash) VALUES ($1, $2, $3)"
            " ON CONFLICT DO NOTHING RETURNING true",
            event_id,
            generation,
            body_hash(record),
        )
    )


def body_hash(record: Record) -> int:
    """What is kept of a body beside its event id: 64 bits, enough to notice that it was another one."""
    return int.from_bytes(blake2b(record.value or b"", digest_size=8).digest(), signed=True)


def kind_of(error: Exception) -> str:
    """How a dead letter has failed: for good, or by a bug that can be mended."""
    return "permanent" if isinstance(error, UndecodableRecord | Unacceptable) else "bug"


def _place(record: Record) -> tuple[str, int, int]:
    return (record.topic, record.partition, record.position)
