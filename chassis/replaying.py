"""Dead letters applied again or given up by hand, and what waited behind them."""

from collections.abc import Sequence
from uuid import UUID

from chassis import dead_letters
from chassis.bus import Record
from chassis.db import Database, Transaction
from chassis.failures import of_the_moment
from chassis.inbox import PROJECTION, REACTION, Unacceptable, add_to_inbox, kind_of
from chassis.reading import OUTSIDE, Sources, envelope_of
from chassis.service import Service
from contracts.envelope import UndecodableRecord

_ENTER_PROJECTING = "LOCK TABLE projected_positions IN ROW EXCLUSIVE MODE"


async def replay(service: Service, database: Database, sources: Sources, letter_id: UUID) -> int:
    """Apply a dead letter again, then what waited behind it; how many records were applied.

    The letter is applied and settled in one transaction, or stays open. A waiting record that
    fails becomes a letter of its own, and the rest goes on waiting, behind that one.

    Raises:
        NoSuchLetter: the id is unknown or settled.
        UndecodableRecord: the record still cannot be read, or is still not believed.
    """
    async with database.transaction() as tx:
        letter = await dead_letters.lock_open_letter(tx, letter_id)
        waiting = await dead_letters.take_waiting(tx, letter)
        await dead_letters.settle(tx, letter, "replayed")
        await _apply_again(service, tx, letter.record, sources, known=True)
        return 1 + await _let_through(service, tx, waiting, sources)


async def discard(service: Service, database: Database, sources: Sources, letter_id: UUID) -> int:
    """Give a dead letter up and apply what waited behind it, as `replay` does; how many were applied.

    Raises:
        NoSuchLetter: the id is unknown or settled.
    """
    async with database.transaction() as tx:
        letter = await dead_letters.lock_open_letter(tx, letter_id)
        waiting = await dead_letters.take_waiting(tx, letter)
        await dead_letters.settle(tx, letter, "discarded")
        return await _let_through(service, tx, waiting, sources)


async def _let_through(service: Service, tx: Transaction, waiting: Sequence[Record], sources: Sources) -> int:
    applied = 0
    for nth, record in enumerate(waiting):
        try:
            async with tx.savepoint():
                await _apply_again(service, tx, record, sources, known=False)
            applied += 1
        except Exception as error:
            if of_the_moment(error):
                raise
            # Else one more bad record would keep the first letter open for ever.
            parks = record.topic not in OUTSIDE and not isinstance(error, Unacceptable)
            event_id = _event_id(record, sources)
            if event_id is not None:
                await add_to_inbox(tx, record, event_id, REACTION)
            why = dead_letters.describe(error)
            await dead_letters.add_letter(tx, record, event_id, kind_of(error), why, parks_key=parks)
            if parks:
                for later in waiting[nth + 1 :]:
                    await dead_letters.park(tx, later)
                break
    return applied


async def _apply_again(service: Service, tx: Transaction, record: Record, sources: Sources, *, known: bool) -> None:
    """Apply a record that was set aside; `known` says that the inbox has its id although it had no effect."""
    envelope = envelope_of(record, sources)
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


def _event_id(record: Record, sources: Sources) -> UUID | None:
    try:
        envelope = envelope_of(record, sources)
    except UndecodableRecord:
        return None
    return None if envelope is None else envelope.id
