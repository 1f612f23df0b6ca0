"""The decisions service under test."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from contracts.registration import LocalisedText
from services.decisions.app import SERVICE
from tests.conftest import NewService
from tests.decisions.builders import CONTRACT, HEART, DecisionsUnderTest, a_description, described, expect
from tests.decisions.counting import record_clients
from tests.decisions.races import decide_alone
from tests.decisions.settling import attend, prices
from tests.decisions.test_statistics_rules import Y2022, Y2023, Y2024
from tests.openapi import watched


@pytest.fixture
async def empty_decisions(new_service: NewService) -> DecisionsUnderTest:
    """The service, having heard of nothing yet."""
    return DecisionsUnderTest(await new_service(SERVICE))


@pytest.fixture
async def decisions(empty_decisions: DecisionsUnderTest) -> DecisionsUnderTest:
    """The service with a description and a contract that announced 100 for 2024 and for 2025."""
    await empty_decisions.start()
    return empty_decisions


@pytest.fixture
async def clients(decisions: DecisionsUnderTest) -> AsyncIterator[list[str]]:
    """Three decisions whose clients attended the first two periods of their course, which are over; prices are set.

    Every answer is compared with the service's document.
    """
    with watched(decisions.service):
        yield await _attending(decisions)


async def _attending(decisions: DecisionsUnderTest) -> list[str]:
    refs = [(await decisions.grant())["decision_ref"] for _ in range(3)]
    await attend(decisions, *refs)
    expect(201, await decisions.officer.post(f"/contracts/{CONTRACT}/price-annexes", json=prices()))
    await decisions.clock.set(datetime(2024, 4, 19, 12, tzinfo=UTC))
    return refs


@pytest.fixture
async def heart(decisions: DecisionsUnderTest) -> DecisionsUnderTest:
    """The heart course with the new clients of 2022 to August 2024, and Kela's estimate."""
    text = LocalisedText(fi="Sydänkurssi", sv="Hjärtkurs", en="Heart course")
    await decisions.know(described(a_description(service=HEART, names=text)))
    await record_clients(decisions, HEART, {2022: Y2022, 2023: Y2023, 2024: Y2024})
    await decisions.clock.set(datetime(2024, 9, 2, 9, tzinfo=UTC))
    expect(200, await decisions.officer.put(f"/estimates/{HEART}/2024", json={"estimate": 930}))
    return decisions


@pytest.fixture(params=["sharing a transaction", "each in its own"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Grants of one process share transactions; those of several processes do not."""
    if request.param == "each in its own":
        decide_alone(monkeypatch)
