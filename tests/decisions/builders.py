"""Builders of events and a small hand on the running service; every builder takes differences."""

from datetime import UTC, date, datetime
from itertools import count
from typing import Any

import asyncpg
import httpx

from chassis.auth import Role
from chassis.testing import ServiceUnderTest
from contracts.courses import ClientPinned, ClientUnpinned, Course, CourseConfirmed, Period, Pin
from contracts.decisions import DecisionsSuspended, SuspensionLifted
from contracts.envelope import Event
from contracts.registration import (
    AnnouncedCount,
    AnnouncedCountChanged,
    Contract,
    ContractRegistered,
    LocalisedText,
    ServiceDescription,
    ServiceDescriptionPublished,
)
from contracts.values import CourseState, Coverage, DeliveryMode, Language, PeriodKind, PinState

PROVIDER = "2828286-3"
OTHER_PROVIDER = "1572860-0"
CONTRACT = "contract-1"
OTHER_CONTRACT = "contract-2"
OFFICE = "office-1"
COURSE = "course-1"
RARE = "RARE_CONNECTIVE_ADULT"
HEART = "CARDIAC_ADULT"
MONEY = "/kela/funds-follow-up"
START = datetime(2024, 1, 15, 8, tzinfo=UTC)

_numbers = count(1)


def a_description(**differences: Any) -> ServiceDescription:
    text = LocalisedText(fi="kurssi", sv="kurs", en="course")
    facts: dict[str, Any] = {
        "service": RARE,
        "description_version": 1,
        "valid_from": date(2020, 1, 1),
        "names": text,
        "is_course": True,
        "coverage": Coverage.NATIONAL,
        "languages": (Language.FI, Language.SV),
        "confirm_within_months": 6,
    }
    return ServiceDescription(**(facts | differences))


def described(*descriptions: ServiceDescription, version: int = 1) -> ServiceDescriptionPublished:
    listed = descriptions or (a_description(),)
    return ServiceDescriptionPublished(version=version, service=listed[0].service, descriptions=listed)


def a_contract(counts: dict[int, int] | None = None, **differences: Any) -> Contract:
    facts: dict[str, Any] = {
        "contract_id": CONTRACT,
        "provider_id": PROVIDER,
        "service": RARE,
        "language": Language.FI,
        "valid_from": date(2023, 1, 1),
        "announced_counts": tuple(AnnouncedCount(year=y, count=n) for y, n in (counts or {}).items()),
    }
    return Contract(**(facts | differences))


def registered(counts: dict[int, int] | None = None, version: int = 1, **differences: Any) -> ContractRegistered:
    return ContractRegistered(version=version, contract=a_contract(counts, **differences))


def announced(counts: dict[int, int], version: int, **differences: Any) -> AnnouncedCountChanged:
    year, number = max(counts.items())
    return AnnouncedCountChanged(version=version, contract=a_contract(counts, **differences), year=year, count=number)


def a_course(**differences: Any) -> Course:
    """A confirmed course of three periods: 19.–23.2., 15.–19.4. and 10.–14.6.2024."""
    days = ((date(2024, 2, 19), 23), (date(2024, 4, 15), 19), (date(2024, 6, 10), 14))
    kinds = (PeriodKind.OPENING, PeriodKind.MIDDLE, PeriodKind.CLOSING)
    facts: dict[str, Any] = {
        "course_id": COURSE,
        "course_number": 976,
        "contract_id": CONTRACT,
        "provider_id": PROVIDER,
        "office_id": OFFICE,
        "service": RARE,
        "language": Language.FI,
        "state": CourseState.CONFIRMED,
        "year": 2024,
        "group_size": 10,
        "pinned": 0,
        "occupied": 0,
        "periods": tuple(
            Period(
                number=number,
                kind=kind,
                mode=DeliveryMode.FACE_TO_FACE,
                first_day=first,
                last_day=first.replace(day=last),
            )
            for number, (kind, (first, last)) in enumerate(zip(kinds, days, strict=True), 1)
        ),
    }
    return Course(**(facts | differences))


def course_confirmed(version: int = 1, **differences: Any) -> CourseConfirmed:
    return CourseConfirmed(version=version, course=a_course(**differences))


def a_pin(decision_ref: str, **differences: Any) -> Pin:
    facts: dict[str, Any] = {
        "decision_ref": decision_ref,
        "course_id": COURSE,
        "provider_id": PROVIDER,
        "office_id": OFFICE,
        "state": PinState.ACTIVE,
        "occupies_place": True,
        "pinned_at": START,
    }
    return Pin(**(facts | differences))


def pinned(decision_ref: str, version: int = 1, **differences: Any) -> ClientPinned:
    return ClientPinned(version=version, pin=a_pin(decision_ref, **differences))


def unpinned(decision_ref: str, version: int = 2, **differences: Any) -> ClientUnpinned:
    facts = {"state": PinState.RELEASED, "occupies_place": False} | differences
    return ClientUnpinned(version=version, pin=a_pin(decision_ref, **facts))


def suspended(
    signal_id: str = "signal-1", at: datetime = START, service: str = RARE, **scope: str
) -> DecisionsSuspended:
    return DecisionsSuspended(version=1, signal_id=signal_id, service=service, effective_at=at, **scope)


def lifted(signal_id: str = "signal-1", at: datetime = START, service: str = RARE, **scope: str) -> SuspensionLifted:
    return SuspensionLifted(version=1, signal_id=signal_id, service=service, effective_at=at, **scope)


def an_application(**differences: Any) -> dict[str, Any]:
    """The body of a grant to a client of its own."""
    number = next(_numbers)
    facts: dict[str, Any] = {
        "application_ref": f"application-{number}",
        "client_ref": f"client-{number}",
        "contract_id": CONTRACT,
        "applied_on": "2024-01-02",
        "outcome": "granted",
    }
    return facts | differences


class DecisionsUnderTest:
    """The decisions service with an officer's and a provider's hands on it."""

    def __init__(self, service: ServiceUnderTest) -> None:
        self.service = service
        self.clock = service.clock
        self.officer = service.http(Role.OFFICER)
        self.system = service.http(Role.SYSTEM)
        self.provider = service.http(Role.PROVIDER, PROVIDER)
        self.other_provider = service.http(Role.PROVIDER, OTHER_PROVIDER)

    async def know(self, *events: Event) -> None:
        """Let the service hear of something."""
        await self.service.deliver(*events)

    async def signal(self, *events: Event, source: str = MONEY) -> None:
        await self.service.deliver(*events, source=source)

    async def alter(self, *statements: str) -> None:
        """Change the database behind the service's back, as the schema's owner."""
        connection = await asyncpg.connect(
            self.service.settings.owner_database_url.get_secret_value(), server_settings={"search_path": "decisions"}
        )
        try:
            await connection.execute("SELECT set_config('rekku.scope', '*', false)")
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def start(self, counts: dict[int, int] | None = None) -> None:
        """The usual scene: the service's description and a contract with announced counts."""
        await self.know(described(), registered(counts or {2024: 100, 2025: 100}))

    async def apply(self, **differences: Any) -> httpx.Response:
        return await self.officer.post("/decisions", json=an_application(**differences))

    async def grant(self, **differences: Any) -> dict[str, Any]:
        """A decision that has to be granted."""
        decision = expect(201, await self.apply(**differences))
        assert decision["state"] == "granted", decision
        return decision

    async def wait(self, **differences: Any) -> dict[str, Any]:
        """An application that has to wait for the quota."""
        decision = expect(201, await self.apply(**differences))
        assert decision["state"] == "awaiting_quota", decision
        return decision

    async def get(self, decision: dict[str, Any]) -> dict[str, Any]:
        return expect(200, await self.officer.get(f"/decisions/{decision['decision_ref']}"))

    async def states(self, *decisions: dict[str, Any]) -> list[str]:
        return [(await self.get(decision))["state"] for decision in decisions]

    async def revoke(self, decision: dict[str, Any], received_on: str = "2024-01-15", **headers: str) -> httpx.Response:
        notice = {"client_notice": {"received_on": received_on, "channel": "phone"}}
        return await self.officer.post(
            f"/decisions/{decision['decision_ref']}/revocation", json=notice, headers=headers
        )

    async def reject(self, decision: dict[str, Any], reasoning: str = "REJECT_CONDITIONS_NOT_MET") -> httpx.Response:
        body = {"reasoning": reasoning}
        return await self.officer.post(f"/decisions/{decision['decision_ref']}/rejection", json=body)

    async def set_quota(self, limit: int | None, year: int = 2024, service: str = RARE, **scope: str) -> dict[str, Any]:
        url = f"/quotas/{service}/{year}"
        return expect(200, await self.officer.put(url, json={"limit": limit}, params=scope))

    async def quota(self, year: int = 2024, service: str = RARE, **scope: str) -> dict[str, Any]:
        return expect(200, await self.officer.get(f"/quotas/{service}/{year}", params=scope))

    async def count(self, year: int = 2024, contract_id: str = CONTRACT) -> tuple[int, int, int]:
        """(announced, used, left) of a year."""
        answer = expect(200, await self.officer.get(f"/announced-counts/{contract_id}/{year}"))
        return answer["announced"], answer["used"], answer["left"]

    async def said(self) -> list[str]:
        """The names of all events published so far, in order."""
        return [type(event).__name__ for event in await self.service.published(Event)]


def expect(status: int, answer: httpx.Response) -> dict[str, Any]:
    """The body of an answer that must have this status."""
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


def refusal(answer: httpx.Response, status: int = 409) -> tuple[str, dict[str, Any]]:
    """The code and the figures of a refusal."""
    problem = expect(status, answer)
    return problem["code"], problem.get("values", {})
