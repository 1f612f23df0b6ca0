"""E-30: nothing that is stored, published or logged leads from an answer to who gave it.

Each way of looking finds every client where answers are stored as they come, which is the negative control, and
nobody as things are.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import asyncpg
import pytest

from chassis.embedded import SUPERUSER
from chassis.testing import service_under_test
from chassis.vault import Vault
from contracts.notifications import FeedbackAverage, FeedbackAveragePublished
from services.notifications import domain, feedback
from services.notifications.app import SERVICE
from services.notifications.batches import store
from services.notifications.batches.domain import BATCH, SurveyAnswer
from tests.notifications.answering import scores_of
from tests.notifications.builders import Notifications

BATCHES = 3
CLIENTS = BATCH * BATCHES

Found = dict[str, str]
"""By decision the scores that an attacker says are its client's."""


@pytest.fixture
async def notifications(cluster, tmp_path) -> AsyncIterator[Notifications]:
    """On a database that no test has used: where a row lies says when it came."""
    home = tmp_path / "notifications"
    home.mkdir()
    sealing = Vault(cluster.cluster.keys_url("decisions"))
    async with service_under_test(cluster, SERVICE, home) as service:
        yield Notifications(service, sealing)
    await sealing.close()


@pytest.fixture(params=["rekku_notifications", "rekku_notifications_owner", SUPERUSER])
async def attacker(request, cluster, notifications) -> AsyncIterator[asyncpg.Connection]:
    """Who reads the service's tables: the service's own role, their owner, or an administrator."""
    database = await notifications.service.db.pool.fetchval("SELECT current_database()")
    settings = {"search_path": "notifications", "rekku.scope": "*"}
    connection = await asyncpg.connect(cluster.cluster.url(request.param, database), server_settings=settings)
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    yield connection
    await connection.close()


@pytest.fixture
def stored_as_they_come(monkeypatch) -> None:
    """Negative control: as it was before, an answer is stored in the transaction that closes its survey."""

    async def store_answer(tx, office_id: str, service: str, answer: SurveyAnswer) -> None:
        await store.lock_open_batch(tx, office_id, service)
        await store.add_answers(tx, office_id, service, tx.today.replace(day=1), [answer])
        units = domain.score_units(answer.scores)
        total = await store.add_to_total(tx, office_id, service, answers=1, units=units)
        if total.answers % BATCH == 0:
            shown = FeedbackAverage(office_id=office_id, service=service, average=Decimal(3), answers=total.answers)
            tx.emit(FeedbackAveragePublished(version=total.answers, feedback=shown))

    monkeypatch.setattr(feedback, "seal_answer", store_answer)


def _trace(number: int) -> str:
    return f"{number + 1:032x}"


async def everybody_answers(notifications: Notifications) -> Found:
    """One client after another, each in another month and with a trace and a key of their own; who said what."""
    await notifications.service.clock.set(datetime(2024, 1, 15, 9, tzinfo=UTC))
    tokens = await notifications.surveys(CLIENTS)
    for number, token in enumerate(tokens):
        await notifications.service.clock.advance(timedelta(days=30.5))
        headers = {"traceparent": f"00-{_trace(number)}-00f067aa0ba902b7-01", "idempotency-key": f"key-{number}"}
        url, body = f"/surveys/{token}/answers", {"answers": scores_of(number)}
        answer = await notifications.public.post(url, json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        await notifications.open_batches()
    return {f"S-{number}": str(scores_of(number)) for number in range(CLIENTS)}


def _said(scores: dict[str, int]) -> str:
    return str({str(number): scores[str(number)] for number in range(1, 20)})


async def by_transaction(attacker: asyncpg.Connection) -> Found:
    """One transaction has written the answer, and closed the survey."""
    rows = await attacker.fetch("SELECT i.decision_ref, a.scores FROM invitations i JOIN answers a ON a.xmin = i.xmin")
    return {row["decision_ref"]: _said(row["scores"]) for row in rows}


async def _in_order(attacker: asyncpg.Connection, order: str) -> Found:
    clients = await attacker.fetch("SELECT decision_ref FROM invitations ORDER BY xmin::text::bigint")
    answers = await attacker.fetch(f"SELECT scores FROM answers ORDER BY {order}")
    pairs = zip(clients, answers, strict=True)
    return {client["decision_ref"]: _said(answer["scores"]) for client, answer in pairs}


async def by_place(attacker: asyncpg.Connection) -> Found:
    """Answers lie in the order in which surveys were closed."""
    return await _in_order(attacker, "ctid")


async def by_month(attacker: asyncpg.Connection) -> Found:
    """Answers have the months in which surveys were closed."""
    return await _in_order(attacker, "answered_in, ctid")


async def together_with_answers(attacker: asyncpg.Connection) -> set[str]:
    """The other tables, whatever there are, with rows of a transaction that wrote an answer."""
    tables = await attacker.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'notifications'::regnamespace AND relkind = 'r'"
        " AND relname NOT IN ('answers', 'migrations')"
    )
    of_answers = "xmin::text IN (SELECT xmin::text FROM answers)"
    return {
        table
        for table in (row["relname"] for row in tables)
        if await attacker.fetchval(f"SELECT EXISTS (SELECT FROM {table} WHERE {of_answers})")
    }


async def traces_in_the_outbox(attacker: asyncpg.Connection) -> int:
    """How many answering requests' traces the published averages go on with."""
    rows = await attacker.fetch("SELECT header_values FROM outbox WHERE topic = 'rekku.feedback'")
    assert len(rows) == BATCHES
    values = b"\n".join(value for row in rows for value in row["header_values"]).decode()
    return sum(_trace(number) in values for number in range(CLIENTS))


async def test_no_answer_leads_to_a_client(notifications, attacker):
    """E-30: who guesses meets some of fifteen by chance; all of them once in a million times.

    Only the sums and the average's event go with a batch, and no answering request is remembered anywhere.
    """
    truth = await everybody_answers(notifications)
    assert await by_transaction(attacker) == {}
    assert await by_place(attacker) != truth
    assert await by_month(attacker) != truth
    assert await together_with_answers(attacker) == {"feedback_totals", "outbox"}
    assert await traces_in_the_outbox(attacker) == 0
    for table in ("idempotency", "timers", "sealed_answers"):
        assert await attacker.fetchval(f"SELECT count(*) FROM {table}") == 0
    of_requests = "SELECT count(*) FROM audit WHERE route IS NOT NULL OR action <> 'write_message'"
    assert await attacker.fetchval(of_requests) == 0
    rows = await attacker.fetch("SELECT answer_id, answered_in, scores FROM answers")
    assert sorted(_said(row["scores"]) for row in rows) == sorted(truth.values())
    assert {row["answer_id"].version for row in rows} == {4}
    assert sorted(Counter(row["answered_in"] for row in rows).values()) == [BATCH] * BATCHES


async def test_answers_that_are_stored_as_they_come_lead_to_all_clients(notifications, attacker, stored_as_they_come):
    """Negative control: every look finds everybody, or what it looks for."""
    truth = await everybody_answers(notifications)
    assert await by_transaction(attacker) == truth
    assert await by_place(attacker) == truth
    assert await by_month(attacker) == truth
    assert {"invitations", "surveys"} <= await together_with_answers(attacker)
    assert await traces_in_the_outbox(attacker) == BATCHES


async def test_who_has_answered_forgets_what_the_survey_was_about(notifications):
    """The link between token and decision goes with the answer, and what is sealed is always as long."""
    token, other, third = await notifications.surveys(3)
    fewest = {str(number): 5 for number in range(1, 16)}
    for answered, scores in ((token, fewest), (third, scores_of(7))):
        assert (await notifications.answer(answered, scores)).status_code == 201
    async with notifications.service.transaction() as tx:
        links = await tx.fetch("SELECT survey_id FROM invitations")
        assert sorted(row["survey_id"] is None for row in links) == [False, True, True]
        [answered, _] = await tx.fetch("SELECT * FROM surveys WHERE state = 'answered'")
        assert answered["office_id"] is None
        sealed = await tx.fetch("SELECT * FROM sealed_answers")
        assert len({len(row["sealed"]) for row in sealed}) == 1
        assert set(dict(sealed[0])) == {"sealed_id", "batch_id", "office_id", "service", "sealed"}
        tables = ("messages", "invitations", "surveys", "sealed_answers", "feedback_totals", "outbox", "inbox")
        everything = [str(row) for table in tables for row in await tx.fetch(f"SELECT * FROM {table}")]
    for secret in (token, other, third, answered["survey_id"]):
        assert sum(secret in row for row in everything) == (secret == answered["survey_id"])


async def test_the_migration_parts_answers_of_before_from_their_surveys(cluster, notifications, stored_as_they_come):
    """They are put in anew: all in one transaction, under other ids, and with the latest month."""
    truth = await everybody_answers(notifications)
    database = await notifications.service.db.pool.fetchval("SELECT current_database()")
    administrator = await asyncpg.connect(
        cluster.cluster.url(SUPERUSER, database), server_settings={"search_path": "notifications"}
    )
    try:
        await administrator.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        migration = (SERVICE.migrations / "0003_sealed_answers.sql").read_text()
        before = {row[0] for row in await administrator.fetch("SELECT answer_id FROM answers")}
        await administrator.execute(migration[migration.index("WITH before AS") :])
        assert await by_transaction(administrator) == {}
        assert await by_place(administrator) != truth
        rows = await administrator.fetch("SELECT answer_id, answered_in, scores FROM answers")
        assert sorted(_said(row["scores"]) for row in rows) == sorted(truth.values())
        assert {row["answer_id"] for row in rows} & before == set()
        assert len({row["answered_in"] for row in rows}) == 1
    finally:
        await administrator.close()
