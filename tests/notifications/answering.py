"""Answers that can be told apart, and what is to be seen of them: in the tables, and in the key store."""

import asyncpg

from chassis.embedded import KEYS_DATABASE
from services.notifications.batches.domain import BATCH
from tests.notifications.builders import Notifications

Scores = dict[str, int]


def scores_of(number: int) -> Scores:
    """An answer that no other number below 625 has: its digits to the base of five, again and again."""
    return {str(n): 1 + number // 5 ** (n % 4) % 5 for n in range(1, 20)}


def same(answers: list[Scores], numbers: range | list[int]) -> bool:
    """Whether these are the answers of the numbers, each once, in whatever order."""
    return sorted(map(str, answers)) == sorted(str(scores_of(number)) for number in numbers)


async def answer_all(notifications: Notifications, tokens: list[str], first: int = 0) -> None:
    """One client after another answers; the first one answers `scores_of(first)`."""
    for number, token in enumerate(tokens, start=first):
        answer = await notifications.answer(token, scores_of(number))
        assert answer.status_code == 201, answer.text


async def readable(notifications: Notifications) -> list[Scores]:
    """The answers that can be read, in the order they lie in."""
    async with notifications.service.transaction() as tx:
        rows = await tx.fetch("SELECT scores FROM answers ORDER BY ctid")
    return [{str(n): row["scores"][str(n)] for n in range(1, 20)} for row in rows]


async def waiting(notifications: Notifications) -> list[int]:
    """How many sealed answers each batch has."""
    async with notifications.service.transaction() as tx:
        rows = await tx.fetch("SELECT count(*) AS n FROM sealed_answers GROUP BY batch_id")
    return sorted(row["n"] for row in rows)


async def totals(notifications: Notifications) -> tuple[int, int, int]:
    """Of the only office and service: answers counted, answers published, version."""
    async with notifications.service.transaction() as tx:
        [row] = await tx.fetch("SELECT answers, published_at, version FROM feedback_totals")
    return row["answers"], row["published_at"], row["version"]


class KeyStore:
    """The key store, as somebody sees it who may read it."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self._before: set = set()

    @classmethod
    async def of(cls, cluster) -> "KeyStore":
        """With what other tests have left in it."""
        store = cls(await asyncpg.connect(cluster.cluster.url(KEYS_DATABASE, KEYS_DATABASE)))
        store._before = await store._all()
        return store

    async def _all(self) -> set:
        return {row["batch_id"] for row in await self.connection.fetch("SELECT batch_id FROM batch_keys")}

    async def batches(self) -> set:
        """The batches that this test has a key of."""
        return await self._all() - self._before


__all__ = ["BATCH", "KeyStore", "Scores", "answer_all", "readable", "same", "scores_of", "totals", "waiting"]
