"""Grants that share a transaction: each with its own outcome, and no harm from one another (E-5, E-23, E-53)."""

import asyncio
from collections import Counter
from typing import Any

import asyncpg
import httpx
import pytest

from chassis import db
from chassis.db import Transaction
from services.decisions import granting, handlers
from services.decisions.domain import Application, Outcome
from services.decisions.quotas import slots
from services.decisions.quotas.store import add_quota
from tests.decisions.builders import (
    CONTRACT,
    HEART,
    OTHER_CONTRACT,
    OTHER_PROVIDER,
    RARE,
    DecisionsUnderTest,
    a_description,
    an_application,
    described,
    registered,
)
from tests.races import count_waiting, until

AT_ONCE = 8


class Sharing:
    """Holds the first transaction until so many others wait for the next one.

    `sizes` are how many applications came to each transaction, `shared` how many of them it granted.
    """

    def __init__(self, decisions: DecisionsUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
        self.decisions = decisions
        self.sizes: list[int] = []
        self.arrived: list[str] = []
        self.shared: list[int] = []
        self._together = granting.grant_together
        self._expected = 0
        monkeypatch.setattr(granting, "grant_together", self._hold)

    async def _hold(self, tx: Transaction, applications: list[Application]) -> list[granting.Grant | None]:
        self.sizes.append(len(applications))
        self.arrived += [application.application_ref for application in applications]
        if len(self.sizes) == 1:
            await until(self.all_wait)
        granted = await self.grant(tx, applications)
        self.shared.append(sum(each is not None for each in granted))
        return granted

    async def grant(self, tx: Transaction, applications: list[Application]) -> list[granting.Grant | None]:
        return await self._together(tx, applications)

    @property
    def waiting(self) -> list[Any]:
        return self.decisions.service.runtime.lane(granting.grant_together)._waiting

    async def all_wait(self) -> bool:
        return len(self.waiting) >= self._expected

    async def apply(
        self, *bodies: dict, keys: list[str] | None = None, headers: list[dict] | None = None
    ) -> list[httpx.Response]:
        """Applications that all wait for the next transaction, behind one that holds the first."""
        self._expected = len(bodies)
        first = asyncio.create_task(self.decisions.apply())
        await until(self._first_is_held)
        if headers is None:
            headers = [{"idempotency-key": key} for key in keys] if keys else [{}] * len(bodies)
        officer = self.decisions.officer
        sent = [
            asyncio.create_task(officer.post("/decisions", json=body, headers=header))
            for body, header in zip(bodies, headers, strict=True)
        ]
        await self.meanwhile(sent)
        answers = await asyncio.gather(*sent, return_exceptions=True)
        assert (await first).status_code == 201
        return [answer for answer in answers if isinstance(answer, httpx.Response)]

    async def meanwhile(self, sent: list[asyncio.Task[httpx.Response]]) -> None:
        """What happens while all of them wait."""

    async def _first_is_held(self) -> bool:
        return bool(self.sizes)


@pytest.fixture
async def sharing(decisions, monkeypatch) -> Sharing:
    """The year's counter of new clients is there, as it is after the year's first application."""
    async with decisions.service.transaction() as tx:
        await add_quota(tx, RARE, 2024)
    return Sharing(decisions, monkeypatch)


async def rows(decisions: DecisionsUnderTest, sql: str) -> list[asyncpg.Record]:
    async with decisions.service.transaction() as tx:
        return await tx.fetch(sql)


def codes(answers: list[httpx.Response]) -> Counter[str]:
    return Counter(answer.json().get("state") or answer.json()["code"] for answer in answers)


async def test_waiting_grants_share_a_transaction_and_each_leaves_its_own_traces(decisions, sharing):
    """E-53, E-23: one decision, event, audit row and kept answer each, in the order of arrival."""
    bodies = [an_application() for _ in range(AT_ONCE)]
    keys = [f"key-{number}" for number in range(AT_ONCE)]
    answers = await sharing.apply(*bodies, keys=keys)
    refs = [answer.json()["decision_ref"] for answer in answers]
    assert (codes(answers), sharing.shared) == ({"granted": AT_ONCE}, [1, AT_ONCE])
    assert await decisions.count() == (100, AT_ONCE + 1, 100 - AT_ONCE - 1)
    assert (await decisions.quota())["used"] == AT_ONCE + 1
    stored = await rows(decisions, "SELECT application_ref, xmin::text FROM decisions ORDER BY number")
    assert [row["application_ref"] for row in stored] == sharing.arrived
    assert len({row["xmin"] for row in stored[1:]}) == 1
    audited = await rows(
        decisions, "SELECT subject FROM audit WHERE action = 'grant_decision' AND route = 'POST /decisions' ORDER BY id"
    )
    assert {row["subject"] for row in audited[1:]} == {f"decision:{ref}" for ref in refs}
    assert len(audited) == AT_ONCE + 1
    assert await decisions.said() == ["DecisionGranted"] * (AT_ONCE + 1)
    for body, key, first in zip(bodies, keys, answers, strict=True):
        again = await decisions.officer.post("/decisions", json=body, headers={"idempotency-key": key})
        assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])


async def test_each_grant_belongs_to_the_trace_of_its_own_request(decisions, sharing):
    """The events of one transaction lead to the requests they came from."""
    traces = [f"00-{number:032x}-{number:016x}-01" for number in range(1, 4)]
    await sharing.apply(*(an_application() for _ in traces), headers=[{"traceparent": trace} for trace in traces])
    _, *found = await rows(decisions, "SELECT header_names, header_values FROM outbox ORDER BY id")
    said = [dict(zip(row["header_names"], row["header_values"], strict=True)) for row in found]
    assert sorted(headers["traceparent"].decode().split("-")[1] for headers in said) == [t[3:35] for t in traces]
    assert sharing.shared == [1, 3]


async def test_who_is_refused_or_has_to_wait_undoes_nobody(decisions, sharing):
    """E-5, E-54: refusals, a wait and grants in one batch; those in front get the last slots."""
    await decisions.know(registered({2024: 0}, contract_id=OTHER_CONTRACT, provider_id=OTHER_PROVIDER))
    await decisions.set_quota(4)
    bodies = [
        an_application(),
        an_application(contract_id="contract-unknown"),
        an_application(contract_id=OTHER_CONTRACT),
        an_application(applied_on="2024-01-16"),
        an_application(),
        an_application(),
        an_application(),
    ]
    keys = [f"key-{number}" for number in range(len(bodies))]
    answers = await sharing.apply(*bodies, keys=keys)
    outcomes = [answer.json().get("state") or answer.json()["code"] for answer in answers]
    assert outcomes == [
        "granted",
        "CONTRACT_UNKNOWN",
        "ANNOUNCED_COUNT_FULL",
        "APPLIED_IN_FUTURE",
        "granted",
        "granted",
        "awaiting_quota",
    ]
    assert (sharing.sizes, sharing.shared, (await decisions.quota())["used"]) == ([1, 7], [1, 3], 4)
    kept = await rows(decisions, "SELECT idempotency_key FROM idempotency ORDER BY 1")
    assert [row["idempotency_key"] for row in kept] == ["key-0", "key-4", "key-5", "key-6"]


async def test_control_a_refusal_inside_the_transaction_would_undo_the_others(decisions, sharing, monkeypatch):
    """E-5, negative control: those in need of a refusal have to be left out, or none of the others shares."""
    monkeypatch.setattr(granting, "Refusal", ZeroDivisionError)
    answers = await sharing.apply(an_application(), an_application(applied_on="2024-01-16"), an_application())
    assert codes(answers) == {"granted": 2, "APPLIED_IN_FUTURE": 1}
    stored = await rows(decisions, "SELECT DISTINCT xmin::text FROM decisions")
    assert len(stored) == 3


async def test_who_went_away_while_waiting_is_not_decided_and_harms_nobody(decisions, sharing):
    """E-53."""

    async def one_goes(sent: list[asyncio.Task[httpx.Response]]) -> None:
        await until(lambda: asyncio.sleep(0, len(sharing.waiting) == 3))
        sent[1].cancel()

    async def one_is_gone() -> bool:
        return any(seat.answered.cancelled() for seat in sharing.waiting)

    sharing.meanwhile, sharing.all_wait = one_goes, one_is_gone
    assert codes(await sharing.apply(*(an_application() for _ in range(3)))) == {"granted": 2}
    assert sharing.shared == [1, 2]
    assert await decisions.count() == (100, 3, 97)


async def test_one_who_goes_away_during_the_transaction_harms_nobody(decisions, sharing):
    """E-53: it is decided all the same, and whoever asks again is answered alike."""
    bodies = [an_application() for _ in range(3)]
    sent: list[asyncio.Task[httpx.Response]] = []
    together = sharing._together

    async def cancel_one(tx: Transaction, applications: list[Application]) -> list[granting.Grant | None]:
        granted = await together(tx, applications)
        if len(applications) == 3:
            sent[1].cancel()
            await asyncio.sleep(0)
        return granted

    async def remember(tasks: list[asyncio.Task[httpx.Response]]) -> None:
        sent.extend(tasks)

    sharing.grant, sharing.meanwhile = cancel_one, remember
    assert codes(await sharing.apply(*bodies)) == {"granted": 2}
    assert sharing.shared == [1, 3]
    assert (await decisions.apply(**bodies[1])).json()["state"] == "granted"
    assert await decisions.count() == (100, 4, 96)


async def test_the_same_key_twice_in_one_batch_is_decided_once(decisions, sharing):
    """E-23: both get the same answer."""
    body = an_application()
    answers = await sharing.apply(body, an_application(), body, keys=["key-1", "key-2", "key-1"])
    assert (codes(answers), answers[0].content) == ({"granted": 3}, answers[2].content)
    assert sharing.shared == [1, 2]
    assert await decisions.count() == (100, 3, 97)


async def test_a_key_for_two_applications_in_one_batch_is_refused_to_the_second(decisions, sharing):
    """E-23."""
    answers = await sharing.apply(an_application(), an_application(), keys=["key-1", "key-1"])
    assert codes(answers) == {"granted": 1, "IDEMPOTENCY_KEY_REUSED": 1}
    assert sharing.shared == [1, 1], "the second was left out, and broke nobody's transaction"
    assert await decisions.count() == (100, 2, 98)


async def used_again(decisions: DecisionsUnderTest, sharing: Sharing) -> Counter[str]:
    """A key that was used before comes with another application, beside one of its own key."""
    headers = {"idempotency-key": "key-1"}
    assert (await decisions.officer.post("/decisions", json=an_application(), headers=headers)).status_code == 201
    sharing.sizes.clear()
    return codes(await sharing.apply(an_application(), an_application(), keys=["key-1", "key-2"]))


async def test_a_key_used_before_is_refused_and_undoes_nobody(decisions, sharing):
    """E-23: the transaction gives way, and each is decided on its own."""
    assert await used_again(decisions, sharing) == {"IDEMPOTENCY_KEY_REUSED": 1, "granted": 1}
    assert await decisions.count() == (100, 3, 97)


async def test_control_without_its_guard_a_key_answers_two_applications(decisions, sharing, monkeypatch):
    """E-23, negative control of the test above."""
    monkeypatch.setattr(db, "_FLUSH", db._FLUSH.replace("WHERE i.status IS NULL", ""))
    assert await used_again(decisions, sharing) == {"granted": 2}


async def used_in_a_row_of_before(decisions: DecisionsUnderTest, sharing: Sharing) -> Counter[str]:
    """As above, where the key stands in a row that names a subject alone."""
    headers = {"idempotency-key": "key-1"}
    assert (await decisions.officer.post("/decisions", json=an_application(), headers=headers)).status_code == 201
    async with decisions.service.transaction() as tx:
        await tx.execute("UPDATE idempotency SET principal = (principal::jsonb)->>1")
    sharing.sizes.clear()
    return codes(await sharing.apply(an_application(), an_application(), keys=["key-1", "key-2"]))


async def test_a_key_in_a_row_of_before_is_refused_in_a_shared_transaction_too(decisions, sharing):
    """E-23."""
    assert await used_in_a_row_of_before(decisions, sharing) == {"IDEMPOTENCY_KEY_REUSED": 1, "granted": 1}
    assert await decisions.count() == (100, 3, 97)


async def test_control_without_a_look_at_rows_of_before_the_command_is_done_again(decisions, sharing, monkeypatch):
    """E-23, negative control of the test above."""
    looked = db.unused_before("a.subject", "a.route", "a.key")
    monkeypatch.setattr(db, "_FLUSH", db._FLUSH.replace(looked, "true"))
    assert await used_in_a_row_of_before(decisions, sharing) == {"granted": 2}


async def test_one_that_fails_unexpectedly_fails_alone(decisions, sharing, monkeypatch):
    """A bug that one application meets is a 500 for it and for nobody else."""
    pending = handlers.pending_decision

    def broken(application: Application, *rest: object) -> object:
        if application.client_ref == "client-broken":
            raise RuntimeError("a bug")
        return pending(application, *rest)

    monkeypatch.setattr(handlers, "pending_decision", broken)
    monkeypatch.setattr(granting, "pending_decision", broken)
    answers = await sharing.apply(an_application(), an_application(client_ref="client-broken"), an_application())
    assert [answer.status_code for answer in answers] == [201, 500, 201]
    assert await decisions.count() == (100, 3, 97)


async def test_a_transaction_that_is_lost_is_decided_one_by_one(decisions, sharing):
    """E-53, E-23: the connection is gone before the commit; everybody is granted, once."""
    together = sharing._together

    async def lose(tx: Transaction, applications: list[Application]) -> list[granting.Grant | None]:
        granted = await together(tx, applications)
        if len(applications) == AT_ONCE:
            await tx.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return granted

    sharing.grant = lose
    assert codes(await sharing.apply(*(an_application() for _ in range(AT_ONCE)))) == {"granted": AT_ONCE}
    assert await decisions.count() == (100, AT_ONCE + 1, 99 - AT_ONCE)
    assert await decisions.said() == ["DecisionGranted"] * (AT_ONCE + 1)


async def test_a_commit_whose_answer_is_lost_is_not_decided_again(decisions, sharing, monkeypatch):
    """E-5, E-23: it was committed after all; on its own each finds its answer, or its decision."""
    database = decisions.service.db
    outbox_written = database.outbox_written.set

    def lost() -> None:
        outbox_written()
        if sharing.sizes[-1] == 3:
            sharing.sizes.append(0)
            raise ConnectionResetError

    monkeypatch.setattr(database.outbox_written, "set", lost)
    answers = await sharing.apply(*(an_application() for _ in range(3)))
    assert codes(answers) == {"granted": 3}
    assert await decisions.count() == (100, 4, 96)
    assert await decisions.said() == ["DecisionGranted"] * 4


async def a_client_at_two_contracts_in_either_order(decisions: DecisionsUnderTest) -> list[object]:
    """Two processes' transactions with the same contracts in another order, held up at the quota together."""
    await decisions.know(registered({2024: 100}, contract_id=OTHER_CONTRACT, provider_id=OTHER_PROVIDER))
    await decisions.grant()

    def grants(*contract_ids: str) -> asyncio.Task[list[granting.Grant | None]]:
        bodies = [an_application(contract_id=contract_id) for contract_id in contract_ids]
        applications = [
            Application(
                b["application_ref"], b["client_ref"], b["contract_id"], decisions.clock.now.date(), Outcome.GRANTED
            )
            for b in bodies
        ]

        async def once() -> list[granting.Grant | None]:
            async with decisions.service.transaction() as tx:
                return await granting.grant_together(tx, applications)

        return asyncio.create_task(once())

    async with decisions.service.transaction() as tx:
        await tx.execute("SELECT FROM quotas WHERE service = $1 FOR UPDATE", RARE)
        both = [grants(CONTRACT, OTHER_CONTRACT), grants(OTHER_CONTRACT, CONTRACT)]

        async def both_wait() -> bool:
            return await count_waiting(decisions.service) == 2

        await until(both_wait)
    return await asyncio.gather(*both, return_exceptions=True)


async def test_two_transactions_with_the_same_contracts_do_not_deadlock(decisions):
    """E-53: counts are locked in the order of the contract, before the quota."""
    outcomes = await a_client_at_two_contracts_in_either_order(decisions)
    assert not [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert (await decisions.quota())["used"] == 5


async def test_control_counts_locked_as_they_come_deadlock(decisions, monkeypatch):
    """E-53, negative control of the test above."""
    monkeypatch.setattr(slots, "_READ_AND_LOCK_COUNTS", slots._READ_BASES)
    outcomes = await a_client_at_two_contracts_in_either_order(decisions)
    assert [type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)] == [
        asyncpg.DeadlockDetectedError
    ]


async def test_a_batch_of_several_services_takes_from_the_quota_of_each(decisions, sharing):
    """E-53, E-8: and a client who is new to both is new in both."""
    await decisions.know(
        described(a_description(service=HEART)),
        registered({2024: 100}, contract_id=OTHER_CONTRACT, provider_id=OTHER_PROVIDER, service=HEART),
    )
    await decisions.grant(contract_id=OTHER_CONTRACT)
    sharing.sizes.clear()
    sharing.shared.clear()
    contract_ids = [CONTRACT, OTHER_CONTRACT, CONTRACT, OTHER_CONTRACT]
    answers = await sharing.apply(*(an_application(contract_id=contract_id) for contract_id in contract_ids))
    assert [answer.json()["contract_id"] for answer in answers] == contract_ids
    assert (codes(answers), sharing.shared) == ({"granted": 4}, [1, 4])
    assert ((await decisions.quota())["used"], (await decisions.quota(service=HEART))["used"]) == (3, 3)


async def test_a_client_twice_in_one_batch_is_new_once(decisions, sharing):
    """E-8."""
    answers = await sharing.apply(*(an_application(client_ref="client-a") for _ in range(3)))
    assert codes(answers) == {"granted": 3}
    assert sharing.shared == [1, 1], "the others were left out, and broke nobody's transaction"
    assert (await decisions.quota())["used"] == 2
