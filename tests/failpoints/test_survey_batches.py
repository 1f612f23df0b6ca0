"""The notifications service is killed at every step of an answer's way, and a batch of five comes out whole (E-30).

Beside tests/notifications/test_batches.py, where the same steps are taken in one process: here it is killed.
"""

import asyncio
import json
import os
import signal
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest

from chassis.embedded import KEYS_DATABASE, SUPERUSER
from chassis.testing import service_under_test
from chassis.vault import Vault
from rekku.nursery import Nursery
from rekku.processes import Program, keep_running
from rekku.up import free_ports
from services.notifications.app import SERVICE
from services.notifications.batches.domain import BATCH
from tests.failpoints.rounds import until
from tests.notifications.answering import scores_of
from tests.notifications.builders import Notifications, a_payment

# The nth time a step is reached while five answer, one after the other, and their batch is opened and its key erased.
STEPS = (
    *[(f"seal.{side}", nth) for side in ("before", "after") for nth in (1, BATCH)],
    *[(f"commit.{side}", nth) for side in ("before", "after") for nth in (1, BATCH, BATCH + 1, BATCH + 2)],
    *[(f"timer.{side}", nth) for side in ("before", "after") for nth in (1, 2)],
    ("erase.before", 1),
    ("erase.after", 1),
)


@asynccontextmanager
async def sealing_as_decisions(cluster):
    """The vault of the service that knows clients: notifications itself may only open."""
    vault = Vault(cluster.cluster.keys_url("decisions"))
    yield vault
    await vault.close()


@dataclass
class Surveys:
    """A running service, and clients who have been asked, five about each office."""

    program: Program
    tokens: dict[str, list[str]]
    admin: asyncpg.Connection
    keys: asyncpg.Connection
    http: httpx.AsyncClient

    async def answer(self, token: str, number: int) -> None:
        """Answer until it is taken; who asks again may hear that it has been."""

        async def taken() -> bool:
            body = {"answers": scores_of(number)}
            try:
                answer = await self.http.post(f"/surveys/{token}/answers", json=body)
            except httpx.TransportError:
                return False
            assert answer.status_code in (201, 410, 503), answer.text
            return answer.status_code != 503

        await until(taken, "the answer is taken")

    async def ready(self) -> bool:
        """Whether the service answers."""
        try:
            return (await self.http.get("/readyz")).is_success
        except httpx.TransportError:
            return False

    def order(self, step: str, nth: int) -> None:
        """The process dies when it reaches this step for the nth time from now on."""
        folder = Path(self.program.environment["REKKU_FAILPOINTS"])
        draft = folder / ".notifications-1"
        draft.write_text(f"{step} {nth}")
        draft.rename(folder / "notifications-1")

    async def opened(self, office: str) -> Counter[str]:
        """The answers about an office that can be read."""
        rows = await self.admin.fetch("SELECT scores FROM notifications.answers WHERE office_id = $1", office)
        return Counter(_shown(json.loads(row["scores"])) for row in rows)

    async def total(self, office: str) -> tuple[int, ...]:
        """How many answers are counted and published, and how often."""
        row = await self.admin.fetchrow(
            "SELECT answers, published_at, version FROM notifications.feedback_totals WHERE office_id = $1", office
        )
        return tuple(row)

    async def batches_with_a_key(self) -> set[UUID]:
        """Also of other tests, which have left theirs."""
        return {row["batch_id"] for row in await self.keys.fetch("SELECT batch_id FROM batch_keys")}

    async def at_rest(self) -> bool:
        """No timer is left, nothing is in the outbox."""
        left = "SELECT (SELECT count(*) FROM notifications.timers) + (SELECT count(*) FROM notifications.outbox)"
        return not await self.admin.fetchval(left)


@pytest.fixture(scope="module")
async def surveys(cluster, tmp_path_factory):
    """Surveys that have been sent, and the service as a process of its own."""
    home = tmp_path_factory.mktemp("survey-batches")
    (home / "failpoints").mkdir()
    async with service_under_test(cluster, SERVICE, home) as service, sealing_as_decisions(cluster) as sealing:
        notifications = Notifications(service, sealing)
        tokens = {}
        for step, nth in STEPS:
            office = f"office {step} {nth}"
            for client in range(BATCH):
                ref = f"{step}-{nth}-{client}"
                await notifications.given_client(ref)
                await notifications.deliver(a_payment(2, decision_ref=ref, office_id=office))
            before = set(notifications.survey_tokens())
            await notifications.send_all()
            tokens[office] = [token for token in notifications.survey_tokens() if token not in before]
        database = await service.db.pool.fetchval("SELECT current_database()")
        admin = await asyncpg.connect(cluster.cluster.url(SUPERUSER, database))
        keys = await asyncpg.connect(cluster.cluster.url(KEYS_DATABASE, KEYS_DATABASE))
        nursery = Nursery(os.environ, home / "nursery.log")
        [port] = free_ports(1)
        program = _program(service.settings, port, home, nursery)
        running = asyncio.create_task(keep_running(program, _nothing, _nothing, (0.01, 0.01)))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            yield Surveys(program, tokens, admin, keys, http)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await nursery.close()
        await admin.close()
        await keys.close()


def _program(settings, port: int, home, parent: Nursery) -> Program:
    environment = os.environ | {
        "REKKU_HOME": str(home),
        "REKKU_CLOCK": settings.clock,
        "REKKU_DATABASE_URL": settings.database_url.get_secret_value(),
        "REKKU_KEYS_DATABASE_URL": settings.keys_database_url.get_secret_value(),
        "REKKU_SECRET": settings.secret.get_secret_value(),
        "REKKU_FINGERPRINT_SECRET": settings.fingerprint_secret.get_secret_value(),
        "REKKU_JWKS_URL": settings.jwks_url,
        "REKKU_FAILPOINTS": str(home / "failpoints"),
        "REKKU_LOG_LEVEL": "WARNING",
        "REKKU_LAUNCHER": str(os.getpid()),
        "REKKU_PORT": str(port),
        "REKKU_INSTANCE": "1",
    }
    return Program("notifications", 1, port, environment, home / "notifications-1.log", parent)


def _shown(scores: dict[str, int]) -> str:
    return str(sorted(scores.items()))


def _nothing(*_: object) -> None:
    """Nobody has to be told."""


@pytest.mark.parametrize(("step", "nth"), STEPS)
async def test_killed_at_a_step_the_service_opens_every_answer_once(surveys, step, nth):
    await until(surveys.ready, "the service answers")
    await until(surveys.at_rest, "nothing is left of the step before")
    office, victim, keys = f"office {step} {nth}", surveys.program.process, await surveys.batches_with_a_key()
    surveys.order(step, nth)
    for number, token in enumerate(surveys.tokens[office]):
        await surveys.answer(token, number)

    async def died() -> bool:
        return victim.returncode is not None

    await until(died, f"the service reaches {step} for the {nth}. time")
    assert victim.returncode == -signal.SIGKILL
    await until(surveys.ready, "the service is back")
    await until(surveys.at_rest, "the batch is opened and its key erased")
    assert await surveys.opened(office) == Counter(_shown(scores_of(number)) for number in range(BATCH))
    assert await surveys.total(office) == (BATCH, BATCH, 1)
    assert await surveys.admin.fetchval("SELECT count(*) FROM notifications.sealed_answers") == 0
    assert await surveys.batches_with_a_key() == keys
