"""What is kept of commands under an Idempotency-Key goes after its time, in batches that hold up nobody."""

import asyncio
import logging
from datetime import timedelta
from functools import partial

from chassis.db import Database, Transaction
from chassis.failures import until_it_passes

_log = logging.getLogger(__name__)

EVERY_S = 600.0
_BATCH = 1000
_PRUNE = """
DELETE FROM idempotency WHERE (principal, route, idempotency_key) IN (
    SELECT principal, route, idempotency_key FROM idempotency WHERE created_at < clock_timestamp() - $1::interval
    ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""
# A process of the release before writes its fingerprints without a key, as long as some are left of it.
_UNKEYED = """
UPDATE idempotency SET request_hash = '' WHERE (principal, route, idempotency_key) IN (
    SELECT principal, route, idempotency_key FROM idempotency WHERE octet_length(request_hash) = 32
    LIMIT $1 FOR UPDATE SKIP LOCKED
)
"""


async def prune_answers(database: Database, kept_days: float) -> None:
    """Every ten minutes of real time remove the answers and fingerprints that are older than `kept_days`, for ever."""
    while True:
        await until_it_passes(partial(prune_once, database, timedelta(days=kept_days)), "kept answers stay for now")
        await asyncio.sleep(EVERY_S)


async def prune_once(database: Database, kept: timedelta) -> int:
    """Remove everything older than `kept`, a batch in a transaction; how many answers."""
    pruned = 0
    while batch := await database.run(partial(_prune, kept=kept)):
        pruned += batch
    while await database.run(_remove_unkeyed):
        pass
    if pruned:
        _log.info("%s kept answers were removed after their time", pruned)
    return pruned


async def _prune(tx: Transaction, kept: timedelta) -> int:
    return _rows(await tx.execute(_PRUNE, kept, _BATCH))


async def _remove_unkeyed(tx: Transaction) -> int:
    return _rows(await tx.execute(_UNKEYED, _BATCH))


def _rows(tag: str) -> int:
    return int(tag.rpartition(" ")[2])
