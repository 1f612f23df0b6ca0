"""Applying records: delivered at least once, applied once.

The event id is inserted in the same transaction as the effect; a known id is skipped. Records of
one key are applied in order (a lane); lanes run side by side. A record that can never be applied,
or whose handler keeps failing, becomes a dead letter in the inbox's own transaction.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from hashlib import blake2b
from uuid import UUID

from opentelemetry.trace import SpanKind

from chassis import dead_letters, telemetry
from chassis.bus import Record
from chassis.db import Database, Transaction
from chassis.failures import backoff_s, of_the_moment
from chassis.service import Service
from contracts.envelope import EVENTS, Envelope, Event, EventKind, UndecodableRecord, attributes_of, decode
from contracts.topics import EXTERNAL, TOPICS

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
_ENTER_PROJECTING = "LOCK TABLE projected_positions IN ROW EXCLUSIVE MODE"

_TRANSIENT_ATTEMPTS = 8
_BUG_ATTEMPTS = 3
_FLOOD_LETTERS = 20
_FLOOD_SHARE = 0.05
_FLOOD_WINDOW_S = 60.0


class Unacceptable(Exception):
    """Raised by a handler: this event will never be accepted, so do not try again (dead letter)."""


class PartitionMustPause(Exception):
    """Something transient lasted longer than the retries; the partition should rest."""


class Flood(Exception):
    """So many records fail that it is a bug, not data: the consumer stops."""


class Inbox:
    """One service's inbox."""

    def __init__(self, service: Service, database: Database, *, lanes: int = 8) -> None:
        self._service = service
        self._database = database
        self._lanes = asyncio.Semaphore(lanes)
        self._handled: deque[tuple[float, bool]] = deque()
        self._fact_topics = {event.topic for event in service.reactions if event.kind is EventKind.FACT}
        self.flooded = False

    async def apply(self, records: Sequence[Record]) -> None:
        """Apply a batch of one partition: every record is done, or known, or a dead letter.

        Raises:
            PartitionMustPause: PostgreSQL is not there, or refuses for long; nothing is lost.
            Flood: too many dead letters in too short a time.
        """
        if self.flooded:
            raise Flood
        projected: list[Record] = []
        lanes: dict[bytes | None, list[Record]] = {}
        for record in records:
            if record.value is None and record.topic in _COMPACTED:
                telemetry.tombstones.add(1, {"service": self._service.name, "topic": record.topic})
                continue
            wire_type = _wire_type(record)
            if any(event.wire_type == wire_type for event in self._service.projected):
                projected.append(record)
            elif wire_type in EVENTS and EVENTS[wire_type] not in self._service.reactions:
                continue
            elif wire_type is not None and wire_type not in EVENTS:
                telemetry.unknown_types.add(1, {"service": self._service.name, "topic": record.topic})
            else:
                lanes.setdefault(record.key, []).append(record)
        work = [self._apply_lane(lane) for lane in lanes.values()]
        if projected:
            work.append(self._apply_batch(projected))
        outcomes = await asyncio.gather(*work, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _apply_lane(self, lane: Sequence[Record]) -> None:
        async with self._lanes:
            for record in lane:
                await self._apply_one(record)

    async def _apply_one(self, record: Record) -> None:
        try:
            envelope = decode(record.headers, record.value or b"")
        except UndecodableRecord as error:
            await self._bury(record, None, "permanent", error)
            return
        if envelope is None:
            return
        bugs = transients = 0
        while True:
            try:
                with telemetry.span(
                    f"handle {envelope.type}", SpanKind.CONSUMER, envelope.traceparent, topic=record.topic
                ):
                    await self._react(record, envelope)
            except Unacceptable as error:
                await self._bury(record, envelope.id, "permanent", error)
            except Exception as error:  # noqa: BLE001 - any bug of a handler ends as a dead letter
                if of_the_moment(error):
                    transients = await self._pause_or_wait(transients + 1, error)
                    continue
                bugs += 1
                if bugs < _BUG_ATTEMPTS:
                    await asyncio.sleep(backoff_s(bugs))
                    continue
                _log.exception("%s cannot be handled; it becomes a dead letter", envelope.type)
                await self._bury(record, envelope.id, "bug", error)
            else:
                self._count(failed=False)
            return

    async def _react(self, record: Record, envelope: Envelope[Event]) -> None:
        handler = self._service.reactions[type(envelope.event)]
        while True:
            async with self._database.transaction(cause=envelope) as tx:
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

    async def _apply_batch(self, records: Sequence[Record]) -> None:
        """A projection's batch in one transaction; halved until the record that fails is alone."""
        transients = 0
        while True:
            try:
                await self._project(records)
            except Exception as error:  # noqa: BLE001 - any bug of a projection ends as a dead letter
                if of_the_moment(error):
                    transients = await self._pause_or_wait(transients + 1, error)
                    continue
                if len(records) > 1:
                    middle = len(records) // 2
                    await self._apply_batch(records[:middle])
                    await self._apply_batch(records[middle:])
                    return
                permanent = isinstance(error, UndecodableRecord | Unacceptable)
                if not permanent:
                    _log.exception("a record of %s cannot be projected; it becomes a dead letter", records[0].topic)
                await self._bury(records[0], None, "permanent" if permanent else "bug", error, projected=True)
                return
            else:
                self._count(failed=False, times=len(records))
                return

    async def _project(self, records: Sequence[Record]) -> None:
        if self._service.project is None:
            raise TypeError(f"{self._service.name} declares projected events but no projection")
        decoded = [decode(record.headers, record.value or b"") for record in records]
        envelopes = [envelope for envelope in decoded if envelope is not None]
        first = envelopes[0]
        with telemetry.span(
            f"project {first.event.topic}", SpanKind.CONSUMER, first.traceparent, events=len(envelopes)
        ):
            async with self._database.transaction(cause=first) as tx:
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
        self, record: Record, event_id: UUID | None, failure: str, error: BaseException, *, projected: bool = False
    ) -> None:
        parks = record.topic in self._fact_topics and dead_letters.may_park(record) and not _is_strange(record, error)
        transients = 0
        while True:
            try:
                async with self._database.transaction() as tx:
                    if projected:
                        await tx.execute(_REACH, record.topic, record.partition, record.position + 1)
                    if event_id is not None and not await add_to_inbox(tx, record, event_id, REACTION):
                        return
                    if parks and await dead_letters.park(tx, record):
                        return
                    added = await dead_letters.add_letter(
                        tx, record, event_id, failure, dead_letters.describe(error), parks_key=parks
                    )
            except Exception as transient:
                if not of_the_moment(transient):
                    raise
                transients = await self._pause_or_wait(transients + 1, transient)
                continue
            if added:
                telemetry.dead_letters.add(1, {"service": self._service.name, "topic": record.topic})
                _log.error(
                    "dead letter from %s/%s/%s: %s",
                    record.topic,
                    record.partition,
                    record.position,
                    dead_letters.describe(error),
                )
                self._count(failed=True)
            return

    async def _pause_or_wait(self, failures: int, error: BaseException) -> int:
        if failures >= _TRANSIENT_ATTEMPTS:
            raise PartitionMustPause(type(error).__name__) from error
        await asyncio.sleep(backoff_s(failures, first_s=0.01, most_s=1.0))
        return failures

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


def _is_strange(record: Record, error: BaseException) -> bool:
    """True for what will never be accepted: it is not waited for, else a stranger's would hold up the rightful ones."""
    from_outside = TOPICS[record.topic].owner == EXTERNAL
    return isinstance(error, Unacceptable) or (from_outside and isinstance(error, UndecodableRecord))


def _wire_type(record: Record) -> str | None:
    try:
        return attributes_of(record.headers).get("ce_type")
    except UndecodableRecord:
        return None


async def replay(service: Service, database: Database, letter_id: UUID) -> int:
    """Apply a dead letter again, then what waited behind it; how many records were applied.

    The letter is applied and settled in one transaction, or stays open. A waiting record that
    fails becomes a letter of its own, and the rest goes on waiting, behind that one.

    Raises:
        NoSuchLetter: the id is unknown or settled.
        UndecodableRecord: the record still cannot be read.
    """
    async with database.transaction() as tx:
        letter = await dead_letters.lock_open_letter(tx, letter_id)
        waiting = await dead_letters.take_waiting(tx, letter)
        await dead_letters.settle(tx, letter, "replayed")
        await _apply_again(service, tx, letter.record, known=True)
        return 1 + await _let_through(service, tx, waiting)


async def discard(service: Service, database: Database, letter_id: UUID) -> int:
    """Give a dead letter up and apply what waited behind it, as `replay` does; how many were applied.

    Raises:
        NoSuchLetter: the id is unknown or settled.
    """
    async with database.transaction() as tx:
        letter = await dead_letters.lock_open_letter(tx, letter_id)
        waiting = await dead_letters.take_waiting(tx, letter)
        await dead_letters.settle(tx, letter, "discarded")
        return await _let_through(service, tx, waiting)


async def _let_through(service: Service, tx: Transaction, waiting: Sequence[Record]) -> int:
    applied = 0
    for nth, record in enumerate(waiting):
        try:
            async with tx.savepoint():
                await _apply_again(service, tx, record, known=False)
            applied += 1
        except Exception as error:
            if of_the_moment(error):
                raise
            # Else one more bad record would keep the first letter open for ever.
            permanent = isinstance(error, UndecodableRecord | Unacceptable)
            parks = not _is_strange(record, error)
            event_id = _event_id(record)
            if event_id is not None:
                await add_to_inbox(tx, record, event_id, REACTION)
            failure = "permanent" if permanent else "bug"
            await dead_letters.add_letter(tx, record, event_id, failure, dead_letters.describe(error), parks_key=parks)
            if parks:
                for later in waiting[nth + 1 :]:
                    await dead_letters.park(tx, later)
                break
    return applied


async def _apply_again(service: Service, tx: Transaction, record: Record, *, known: bool) -> None:
    """Apply a record that was set aside; `known` says that the inbox has its id although it had no effect."""
    envelope = decode(record.headers, record.value or b"")
    if envelope is None:
        return
    projecting = type(envelope.event) in service.projected
    if projecting:
        await tx.execute(_ENTER_PROJECTING)
    is_new = await add_to_inbox(tx, record, envelope.id, PROJECTION if projecting else REACTION)
    if not is_new and not known:
        return
    tx.cause = envelope
    if projecting and service.project is not None:
        await service.project(tx, [envelope.event])
    elif type(envelope.event) in service.reactions:
        await service.reactions[type(envelope.event)](tx, envelope.event)


def _event_id(record: Record) -> UUID | None:
    try:
        envelope = decode(record.headers, record.value or b"")
    except UndecodableRecord:
        return None
    return None if envelope is None else envelope.id
