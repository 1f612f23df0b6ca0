"""What is kept of commands under an Idempotency-Key gives nothing away, and goes after its time (E-23, record 0031)."""

import asyncio
import hashlib
import hmac
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from starlette.requests import Request

from chassis import idempotency, pruning
from chassis.embedded import SUPERUSER
from chassis.idempotency import MARK_BYTES, what_was_said
from chassis.pruning import prune_once
from chassis.testing import ServiceUnderTest
from contracts.notifications import MessageSent
from tests.races import until

NOTE = {"note_id": "N-1", "provider_id": "2828286-3", "text": "+358401234567", "stars": 3}
KEY = {"idempotency-key": "k1"}
WEEK = timedelta(days=7)
_MIGRATION = Path("chassis/migrations/0005_keyed_fingerprints.sql").read_text()


async def fingerprints(toy: ServiceUnderTest) -> list[bytes]:
    async with toy.transaction() as tx:
        return [row["request_hash"] for row in await tx.fetch("SELECT request_hash FROM idempotency")]


def guesses() -> list[bytes]:
    """What an attacker with the database's contents tries: every hundredth number, one of which it is."""
    bodies = (NOTE | {"text": f"+3584012345{n:02}"} for n in range(100))
    return [b"POST /notes?\n" + idempotency.canonical_json(body) for body in bodies]


def found_by_guessing(kept: bytes) -> bool:
    hashes = {hashlib.sha256(guess).digest() for guess in guesses()}
    hashes |= {hmac.digest(b"", b"rekku fingerprint\0" + guess, "sha256") for guess in guesses()}
    return any(kept.endswith(each) for each in hashes)


async def test_a_fingerprint_is_not_found_by_trying_every_number(toy: ServiceUnderTest):
    assert (await toy.http().post("/notes", json=NOTE, headers=KEY)).status_code == 201
    (kept,) = await fingerprints(toy)
    assert len(kept) == MARK_BYTES + 32
    assert not found_by_guessing(kept)


async def test_control_without_a_key_the_number_is_found_at_once(
    toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
):
    def unkeyed(request: Request, _secret: str) -> bytes:
        return hashlib.sha256(what_was_said(request)).digest()

    monkeypatch.setattr("chassis.http.fingerprint", unkeyed)
    assert (await toy.http().post("/notes", json=NOTE, headers=KEY)).status_code == 201
    (kept,) = await fingerprints(toy)
    assert found_by_guessing(kept)


async def test_with_another_secret_a_command_is_neither_answered_alike_nor_done_twice(toy: ServiceUnderTest):
    first = await toy.http().post("/notes", json=NOTE, headers=KEY)
    ours, toy.runtime.fingerprint_secret = toy.runtime.fingerprint_secret, "one that came after it, and as long"
    again = await toy.http().post("/notes", json=NOTE | {"note_id": "N-2"}, headers=KEY)
    assert (again.status_code, again.json()["code"]) == (409, "IDEMPOTENCY_KEY_SPENT")
    assert (await toy.http().post("/notes", json=NOTE, headers=KEY)).json()["code"] == "IDEMPOTENCY_KEY_SPENT"
    assert len(await toy.published(MessageSent)) == 1
    # Negative control: with the secret it was made with, it is the command of before.
    toy.runtime.fingerprint_secret = ours
    assert (await toy.http().post("/notes", json=NOTE, headers=KEY)).content == first.content


async def as_before(toy: ServiceUnderTest) -> None:
    """The row of a command as the release before wrote it."""
    assert (await toy.http().post("/notes", json=NOTE, headers=KEY)).status_code == 201
    address = b"POST /notes?\n"
    unkeyed = hashlib.sha256(address + idempotency.canonical_json(NOTE)).digest()
    async with toy.transaction() as tx:
        await tx.execute("UPDATE idempotency SET request_hash = $1", unkeyed)
    assert found_by_guessing(unkeyed)


async def removed_by_the_migration(toy: ServiceUnderTest, url: str) -> None:
    connection = await asyncpg.connect(url, server_settings={"search_path": "notifications"})
    try:
        await connection.execute(re.search("UPDATE idempotency .*;", _MIGRATION)[0])
    finally:
        await connection.close()


async def removed_by_the_pruning(toy: ServiceUnderTest, _url: str) -> None:
    assert await prune_once(toy.db, WEEK) == 0


@pytest.mark.parametrize("remove", [removed_by_the_migration, removed_by_the_pruning])
async def test_fingerprints_of_before_are_removed_and_their_commands_are_not_done_again(
    toy: ServiceUnderTest, cluster: Any, remove: Any
):
    """By the migration; and by the pruning, while processes of the release before still write some."""
    await as_before(toy)
    async with toy.transaction() as tx:
        database = await tx.fetchval("SELECT current_database()")
    await remove(toy, cluster.cluster.url(SUPERUSER, database))
    assert await fingerprints(toy) == [b""]
    again = await toy.http().post("/notes", json=NOTE, headers=KEY)
    assert (again.status_code, again.json()["code"]) == (409, "IDEMPOTENCY_KEY_SPENT")
    assert len(await toy.published(MessageSent)) == 1


async def test_the_command_of_a_row_of_before_is_not_done_again_before_it_is_removed_either(toy: ServiceUnderTest):
    await as_before(toy)
    again = await toy.http().post("/notes", json=NOTE, headers=KEY)
    assert (again.status_code, again.json()["code"]) == (409, "IDEMPOTENCY_KEY_SPENT")


# After their time ------------------------------------------------------------------------------------------


async def kept_for(toy: ServiceUnderTest, ages: dict[str, timedelta]) -> None:
    async with toy.transaction() as tx:
        await tx.executemany(
            "INSERT INTO idempotency (principal, route, idempotency_key, request_hash, status, headers, body,"
            " created_at) VALUES ('[]', 'POST /notes', $1, '', 201, '{}', '{}', clock_timestamp() - $2::interval)",
            list(ages.items()),
        )


async def keys(toy: ServiceUnderTest) -> set[str]:
    async with toy.transaction() as tx:
        return {row["idempotency_key"] for row in await tx.fetch("SELECT idempotency_key FROM idempotency")}


async def test_answers_go_after_their_time_and_not_before(toy: ServiceUnderTest):
    minute = timedelta(minutes=1)
    await kept_for(toy, {"old": WEEK + minute, "older": 3 * WEEK, "young": WEEK - minute})
    assert await prune_once(toy.db, WEEK) == 2
    assert await keys(toy) == {"young"}
    assert await prune_once(toy.db, timedelta(0)) == 1


async def test_they_go_in_batches_and_leave_what_somebody_holds(toy: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pruning, "_BATCH", 3)
    await kept_for(toy, {f"k{n}": 2 * WEEK for n in range(8)})
    async with toy.transaction() as holding:
        await holding.execute("SELECT FROM idempotency WHERE idempotency_key = 'k0' FOR UPDATE")
        assert await asyncio.wait_for(prune_once(toy.db, WEEK), 10) == 7
    assert await keys(toy) == {"k0"}


async def test_the_oldest_are_found_by_an_index(toy: ServiceUnderTest):
    async with toy.transaction() as tx:
        await tx.execute("SET LOCAL enable_seqscan = off")
        plans = [
            json.dumps(await tx.fetchval(f"EXPLAIN (FORMAT json) {statement}", *arguments))
            for statement, arguments in (
                (pruning._PRUNE.replace("$1", "'7 days'").replace("$2", "1000"), ()),
                (pruning._UNKEYED.replace("$1", "1000"), ()),
            )
        ]
    assert ["idempotency_by_age" in plans[0], "idempotency_unkeyed" in plans[1]] == [True, True]


async def test_a_running_service_prunes_by_itself(toy: ServiceUnderTest):
    await kept_for(toy, {"old": 8 * WEEK, "young": WEEK / 2})
    task = asyncio.create_task(pruning.prune_answers(toy.db, 7))
    try:

        async def pruned() -> bool:
            return await keys(toy) == {"young"}

        await until(pruned)
    finally:
        task.cancel()
