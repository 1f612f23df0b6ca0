"""One key that waits: a row is held that a service wants for it, while the other keys of its partition go on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass

import asyncpg

from chassis.bus.kafka import _partition_of
from contracts.decisions import CLIENT_CONTACTS
from contracts.topics import TOPICS
from tests.chaos.checks import Outcome

_HOLD = "SELECT version FROM notifications.client_contacts WHERE client_ref = $1 FOR UPDATE"
_VERSIONS = "SELECT client_ref, version FROM {}.client_contacts"
_KNOWN_WITHIN_S = 30.0
_LOOK_EVERY_S = 0.2


@dataclass(frozen=True)
class Held:
    """What was seen of a key that was held: the versions it missed, how many others of its partition went on meanwhile,
    and which of them waited at the end."""

    key: str
    missed: int
    went_on: int
    waited: tuple[str, ...]

    def __str__(self) -> str:
        return f"it missed {self.missed} versions, {self.went_on} others of its partition went on"


@contextlib.asynccontextmanager
async def holding(url: str, client_ref: str) -> AsyncIterator[list[Held]]:
    """Hold the row that notifications wants for every new contact of one client; what was seen is there at the end."""
    connection = await asyncpg.connect(url)
    seen: list[Held] = []
    try:
        async with connection.transaction():
            async with asyncio.timeout(_KNOWN_WITHIN_S):
                while await connection.fetchval(_HOLD, client_ref) is None:
                    await asyncio.sleep(_LOOK_EVERY_S)
            before = await _versions(connection, "notifications")
            yield seen
            owned, copied = [await _versions(connection, name) for name in ("decisions", "notifications")]
            seen.append(what_was_seen(client_ref, before, copied, owned))
    finally:
        await connection.close()


def what_was_seen(key: str, before: Mapping[str, int], copied: Mapping[str, int], owned: Mapping[str, int]) -> Held:
    """From the copies' versions when it was held and at the end, and the owner's at the end."""
    partitions = TOPICS[CLIENT_CONTACTS].partitions
    ours = _partition_of(key.encode(), partitions)
    others = [ref for ref in owned if ref != key and _partition_of(ref.encode(), partitions) == ours]
    return Held(
        key,
        missed=owned[key] - copied[key],
        went_on=sum(copied.get(ref, 0) > before.get(ref, 0) for ref in others),
        waited=tuple(sorted(ref for ref in others if owned[ref] > copied.get(ref, 0))),
    )


def judged(all_held: Iterable[Held]) -> list[Outcome]:
    """Whether the others went on each time; nothing where no key was held."""
    held = list(all_held)
    problems = tuple(
        f"{each.key} was held, and nobody else of its partition went on: {', '.join(each.waited)} waited as well"
        for each in held
        if each.waited and not each.went_on
    )
    return [Outcome("others go on while a key is stuck", sum(each.went_on for each in held), problems)] if held else []


async def _versions(connection: asyncpg.Connection, schema: str) -> dict[str, int]:
    return {row["client_ref"]: row["version"] for row in await connection.fetch(_VERSIONS.format(schema))}
