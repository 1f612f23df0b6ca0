"""Two versions of a producer and of a consumer side by side, through the real inbox.

A rollout leaves the old and the new of both running at once. `NewerPeriodPaid` is the same type with
a field added, as the compatibility gate lets it; `PeriodPaidV2` is what the gate does not let: a new
type beside the first one.
"""

from dataclasses import replace

import pytest

from chassis import telemetry
from chassis.testing import ServiceUnderTest
from contracts import compatibility
from contracts.decisions import PAYMENTS, PeriodPaid
from contracts.envelope import EVENTS, Event, EventKind
from tests.chassis.builders import a_payment
from tests.chassis.test_inbox import letters, payments
from tests.chassis.toy.app import SERVICE, on_period_paid
from tests.conftest import NewService

V1 = PeriodPaid.wire_type
V2 = V1.removesuffix("1") + "2"


class NewerPeriodPaid(PeriodPaid):
    """The next release's model of the same type."""

    payer: str = "kela"


class PeriodPaidV2(Event):
    """A breaking change: the two numbers of a period became one text."""

    decision_ref: str
    period: str
    paid_on: str

    @property
    def key(self) -> str:
        return self.decision_ref


PeriodPaidV2.wire_type, PeriodPaidV2.topic, PeriodPaidV2.kind = V2, PAYMENTS, EventKind.FACT


def newer_payment(**differences) -> NewerPeriodPaid:
    return NewerPeriodPaid.model_validate(a_payment(**differences).model_dump() | {"payer": "another"})


def second_payment(period_number: int) -> PeriodPaidV2:
    return PeriodPaidV2(version=1, decision_ref="D-1", period=f"period {period_number}", paid_on="2024-01-15")


class Counted:
    """Stands in for a counter of the telemetry, which has no way to be read."""

    def __init__(self) -> None:
        self.total = 0

    def add(self, amount: int, attributes: dict[str, str]) -> None:
        assert attributes == {"service": "notifications", "topic": PAYMENTS}
        self.total += amount


@pytest.fixture
def unknown_types(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counted = Counted()
    monkeypatch.setattr(telemetry, "unknown_types", counted)
    return counted


class NewerConsumer:
    """The toy's next release: knows the added field, or the new type instead of the old one."""

    def __init__(self) -> None:
        self.payers: list[str] = []

    async def on_newer(self, tx, event: NewerPeriodPaid) -> None:
        self.payers.append(event.payer)
        await on_period_paid(tx, event)

    async def on_second(self, tx, event: PeriodPaidV2) -> None:
        await on_period_paid(tx, a_payment(decision_ref=event.decision_ref, period_number=int(event.period.split()[1])))


@pytest.fixture
def newer() -> NewerConsumer:
    return NewerConsumer()


@pytest.fixture
async def with_the_field(
    newer: NewerConsumer, new_service: NewService, monkeypatch: pytest.MonkeyPatch
) -> ServiceUnderTest:
    monkeypatch.setitem(EVENTS, V1, NewerPeriodPaid)
    return await new_service(replace(SERVICE, reactions={NewerPeriodPaid: newer.on_newer}))


@pytest.fixture
async def with_the_second_type(
    newer: NewerConsumer, new_service: NewService, monkeypatch: pytest.MonkeyPatch
) -> ServiceUnderTest:
    monkeypatch.setitem(EVENTS, V2, PeriodPaidV2)
    return await new_service(replace(SERVICE, reactions={PeriodPaidV2: newer.on_second}))


def both_producers() -> list[PeriodPaid]:
    return [a_payment(period_number=1), newer_payment(period_number=2), a_payment(period_number=3)]


async def test_the_old_consumer_reads_both_producers(toy: ServiceUnderTest, unknown_types: Counted):
    await toy.deliver_records(*map(toy.record_of, both_producers()))
    assert await payments(toy) == [("D-1", number, 1) for number in (1, 2, 3)]
    assert (unknown_types.total, await letters(toy)) == (0, [])


async def test_the_new_consumer_reads_both_producers(with_the_field: ServiceUnderTest, newer: NewerConsumer):
    """What the old producer leaves out has its default."""
    await with_the_field.deliver_records(*map(with_the_field.record_of, both_producers()))
    assert newer.payers == ["kela", "another", "kela"]
    assert await payments(with_the_field) == [("D-1", number, 1) for number in (1, 2, 3)]
    assert await letters(with_the_field) == []


def told_in_both_types() -> list[Event]:
    """While subscribers move over, the producer tells every fact in both types, the new one beside the old."""
    return [told for number in (1, 2) for told in (a_payment(period_number=number), second_payment(number))]


async def test_the_old_consumer_counts_and_ignores_the_second_type(toy: ServiceUnderTest, unknown_types: Counted):
    await toy.deliver_records(*map(toy.record_of, told_in_both_types()))
    assert await payments(toy) == [("D-1", 1, 1), ("D-1", 2, 1)]
    assert (unknown_types.total, await letters(toy)) == (2, [])


async def test_the_new_consumer_follows_the_second_type_and_counts_each_fact_once(
    with_the_second_type: ServiceUnderTest, unknown_types: Counted
):
    await with_the_second_type.deliver_records(*map(with_the_second_type.record_of, told_in_both_types()))
    assert await payments(with_the_second_type) == [("D-1", 1, 1), ("D-1", 2, 1)]
    assert (unknown_types.total, await letters(with_the_second_type)) == (0, [])


async def test_the_breaking_change_under_the_old_name_would_be_a_dead_letter(toy: ServiceUnderTest):
    """The negative control: what the second type is for."""
    broken = toy.record_of(second_payment(1))
    headers = tuple((name, V1.encode() if name == "ce_type" else value) for name, value in broken.headers)
    await toy.deliver_records(replace(broken, headers=headers))
    (letter,) = await letters(toy)
    assert (letter.failure, await payments(toy)) == ("permanent", [])


def test_the_gate_lets_the_added_field_and_not_the_other_shape():
    kept = compatibility.kept_revisions("decisions.period-paid.v1")
    other = replace(compatibility.revision_of(PeriodPaidV2, 2), type=V1)
    assert list(compatibility.breaks(compatibility.revision_of(NewerPeriodPaid, 2), kept)) == []
    assert list(compatibility.breaks(other, kept)) != []
