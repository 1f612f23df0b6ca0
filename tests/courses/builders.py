"""Builders of events and a small hand on the running service; every builder takes differences."""

from datetime import date, timedelta
from itertools import count
from typing import Any

import httpx

from chassis.auth import Principal, Role
from chassis.testing import ServiceUnderTest
from contracts.courses import PinEvent
from contracts.decisions import Decision, DecisionAnnulled, DecisionGranted, DecisionRevoked
from contracts.envelope import Event
from contracts.registration import (
    AnnouncedCount,
    AnnouncedCountChanged,
    Contract,
    ContractRegistered,
    LocalisedText,
    Office,
    OfficeRegistered,
    ServiceDescription,
    ServiceDescriptionPublished,
    TargetGroup,
)
from contracts.values import Coverage, DecisionState, Language, PinState
from tests.decision_refs import a_decision_ref

PROVIDER = "2828286-3"
OTHER_PROVIDER = "1572860-0"
CONTRACT = "contract-1"
OFFICE = "office-1"
SERVICE_CODE = "RARE_CONNECTIVE_ADULT"
FIRST_DAY = date(2024, 3, 4)

_refs = count(1)


def provider(subject: str) -> Principal:
    """A provider's worker; the subject tells the two sides of a race apart."""
    return Principal(subject, Role.PROVIDER, PROVIDER)


def text(word: str) -> LocalisedText:
    return LocalisedText(fi=word, sv=word, en=word)


def a_description(**differences: Any) -> ServiceDescription:
    """The rare connective-tissue course, as far as it is known (R-CRS-3, -4, -19, -22, -23, -31)."""
    facts: dict[str, Any] = {
        "service": SERVICE_CODE,
        "description_version": 1,
        "valid_from": date(2020, 1, 1),
        "names": text("rare"),
        "is_course": True,
        "coverage": Coverage.NATIONAL,
        "languages": (Language.FI,),
        "group_min": 6,
        "group_max": 12,
        "confirm_min": 6,
        "must_run_at": 7,
        "confirm_within_months": 6,
        "total_duration_months": 9,
        "total_duration_enforced": True,
        "move_notice_days": 30,
        "target_groups": tuple(TargetGroup(code=code, names=text(code)) for code in ("group_a", "group_b", "group_c")),
        "target_groups_min": 1,
        "target_groups_max": 3,
    }
    return ServiceDescription(**(facts | differences))


def descriptions_published(*descriptions: ServiceDescription, version: int = 1) -> ServiceDescriptionPublished:
    listed = descriptions or (a_description(),)
    return ServiceDescriptionPublished(version=version, service=listed[0].service, descriptions=listed)


def a_contract(**differences: Any) -> Contract:
    facts: dict[str, Any] = {
        "contract_id": CONTRACT,
        "provider_id": PROVIDER,
        "service": SERVICE_CODE,
        "language": Language.FI,
        "valid_from": date(2023, 1, 1),
    }
    return Contract(**(facts | differences))


def contract_registered(
    counts: dict[int, int] | None = None, version: int = 1, **differences: Any
) -> ContractRegistered:
    return ContractRegistered(version=version, contract=a_contract(announced_counts=_counts(counts), **differences))


def count_changed(counts: dict[int, int], version: int, **differences: Any) -> AnnouncedCountChanged:
    year, number = max(counts.items())
    contract = a_contract(announced_counts=_counts(counts), **differences)
    return AnnouncedCountChanged(version=version, contract=contract, year=year, count=number)


def office_registered(version: int = 1, **differences: Any) -> OfficeRegistered:
    facts: dict[str, Any] = {
        "office_id": OFFICE,
        "provider_id": PROVIDER,
        "name": "Helsinki",
        "municipality_code": "091",
        "street_address": "Katu 1",
        "postal_address": "00100 Helsinki",
    }
    return OfficeRegistered(version=version, office=Office(**(facts | differences)))


def a_decision(**differences: Any) -> Decision:
    number = next(_refs)
    facts: dict[str, Any] = {
        "decision_ref": a_decision_ref(number),
        "application_ref": f"app-{number:05}",
        "client_ref": f"client-{number:05}",
        "service": SERVICE_CODE,
        "contract_id": CONTRACT,
        "provider_id": PROVIDER,
        "language": Language.FI,
        "state": DecisionState.GRANTED,
        "applied_on": date(2024, 1, 2),
        "decided_on": date(2024, 1, 15),
        "confirm_by": date(2024, 7, 15),
    }
    return Decision(**(facts | differences))


def granted(decision: Decision | None = None, version: int = 1, **differences: Any) -> DecisionGranted:
    return DecisionGranted(version=version, decision=decision or a_decision(**differences))


def revoked(decision: Decision, version: int = 2) -> DecisionRevoked:
    taken_back = decision.model_copy(update={"state": DecisionState.REVOKED})
    return DecisionRevoked(version=version, decision=taken_back)


def annulled(decision: Decision, version: int = 2) -> DecisionAnnulled:
    taken_back = decision.model_copy(update={"state": DecisionState.ANNULLED, "new_client": False})
    return DecisionAnnulled(version=version, decision=taken_back)


def provider_changed(decision: Decision, version: int = 2) -> DecisionRevoked:
    taken_back = decision.model_copy(update={"state": DecisionState.REVOKED, "provider_changed": True})
    return DecisionRevoked(version=version, decision=taken_back)


def a_proposal(**differences: Any) -> dict[str, Any]:
    """The body of a course of two periods, the first face to face and the second online."""
    first = differences.pop("first_day", FIRST_DAY)
    facts: dict[str, Any] = {
        "contract_id": CONTRACT,
        "office_id": OFFICE,
        "group_size": 12,
        "target_groups": ["group_a"],
        "periods": [
            a_period(first, 5, mode="face_to_face"),
            a_period(first + timedelta(days=42), 5, mode="online"),
        ],
    }
    return facts | differences


def a_period(first: date, days: int, **more: Any) -> dict[str, Any]:
    return {"first_day": first.isoformat(), "last_day": (first + timedelta(days=days - 1)).isoformat(), **more}


def a_consent(**differences: Any) -> dict[str, Any]:
    """What a pinned client agreed to, as the provider sends it."""
    facts: dict[str, Any] = {"given_on": "2024-01-15", "by": "client", "channel": "phone"}
    return facts | differences


def a_transfer(there: dict[str, Any], **differences: Any) -> dict[str, Any]:
    """Where a client goes, with the client's consent."""
    return {"to_course_id": there["course_id"], "consent": a_consent()} | differences


class CoursesUnderTest:
    """The courses service with a provider's and an officer's hands on it."""

    def __init__(self, service: ServiceUnderTest) -> None:
        self.service = service
        self.clock = service.clock
        self.provider = service.http(Role.PROVIDER, PROVIDER)
        self.officer = service.http(Role.OFFICER)

    async def know(self, *events: Event) -> None:
        """Let the service hear of something."""
        await self.service.deliver(*events)

    async def start(self, counts: dict[int, int] | None = None) -> None:
        """The usual scene: a description, an office, and a contract with announced counts."""
        await self.know(
            descriptions_published(), office_registered(), contract_registered(counts or {2024: 100, 2025: 100})
        )

    async def create(self, **differences: Any) -> dict[str, Any]:
        return expect(201, await self.provider.post("/courses", json=a_proposal(**differences)))

    async def a_course(self, pinned: int = 0, **differences: Any) -> dict[str, Any]:
        """A published course with `pinned` clients."""
        course = await self.create(**differences)
        expect(200, await self.provider.post(f"/courses/{course['course_id']}/publication"))
        for _ in range(pinned):
            expect(201, await self.pin(course, await self.grant()))
        return await self.get(course)

    async def get(self, course: dict[str, Any]) -> dict[str, Any]:
        return expect(200, await self.officer.get(f"/courses/{course['course_id']}"))

    async def grant(self, **differences: Any) -> Decision:
        """A decision this service has heard of."""
        event = granted(**differences)
        await self.know(event)
        return event.decision

    async def pin(self, course: dict[str, Any], decision: Decision) -> httpx.Response:
        body = {"decision_ref": decision.decision_ref}
        return await self.provider.post(f"/courses/{course['course_id']}/pins", json=body)

    async def unpin(self, course: dict[str, Any], decision: Decision, reason: str | None = None) -> httpx.Response:
        path = f"/courses/{course['course_id']}/pins/{decision.decision_ref}"
        return await self.provider.request("DELETE", path, json={"reason": reason} if reason else None)

    async def move(
        self, here: dict[str, Any], there: dict[str, Any], decision: Decision, **differences: Any
    ) -> httpx.Response:
        return await self.provider.post(f"{_pin(here, decision)}/move", json=a_transfer(there, **differences))

    async def note(
        self, course: dict[str, Any], decision: Decision, attended: list[int], missed: list[int] | None = None
    ) -> httpx.Response:
        body = {"attended": attended, "missed": missed or []}
        return await self.provider.put(f"{_pin(course, decision)}/participation", json=body)

    async def interrupt(self, course: dict[str, Any], decision: Decision, **body: object) -> httpx.Response:
        return await self.provider.post(f"{_pin(course, decision)}/interruption", json={"final": False, **body})

    async def history(self, decision: Decision) -> list[dict[str, Any]]:
        found = await self.officer.get(f"/decisions/{decision.decision_ref}/pins")
        items: list[dict[str, Any]] = expect(200, found)["items"]
        return items

    async def confirm(self, course: dict[str, Any]) -> httpx.Response:
        return await self.provider.post(f"/courses/{course['course_id']}/confirmation")

    async def delete(self, course: dict[str, Any], by: httpx.AsyncClient | None = None, **body: Any) -> httpx.Response:
        return await (by or self.provider).post(f"/courses/{course['course_id']}/deletion", json=body)

    async def cancel(self, course: dict[str, Any], reason: str = "force majeure") -> httpx.Response:
        return await self.officer.post(f"/courses/{course['course_id']}/cancellation", json={"reason": reason})

    async def confirm_late(
        self, course: dict[str, Any], by: httpx.AsyncClient | None = None, **body: Any
    ) -> httpx.Response:
        return await (by or self.provider).post(f"/courses/{course['course_id']}/late-confirmation", json=body)

    async def did_not_happen(
        self, course: dict[str, Any], by: httpx.AsyncClient | None = None, **body: Any
    ) -> httpx.Response:
        return await (by or self.provider).post(f"/courses/{course['course_id']}/did-not-happen", json=body)

    async def reports(self, **query: str) -> list[tuple[str, str | None, str | None]]:
        """(kind, course, reason) of every report, in the order they were filed."""
        items = expect(200, await self.officer.get("/reports", params=query))["items"]
        return [(item["kind"], item["course_id"], item["reason"]) for item in items]

    async def put(self, course: dict[str, Any], what: str, **body: Any) -> httpx.Response:
        """Change something of the course."""
        return await self.provider.put(f"/courses/{course['course_id']}/{what}", json=body)

    async def reschedule(self, course: dict[str, Any], first_day: date, **more: Any) -> httpx.Response:
        """Move the whole course, with everybody's consent, to begin on another day."""
        agreed = [a_consent(decision_ref=pin["decision_ref"]) for pin in await self.pins_of(course, PinState.ACTIVE)]
        periods = a_proposal(first_day=first_day)["periods"]
        return await self.put(course, "periods", **({"periods": periods, "consents": agreed} | more))

    async def pins_of(self, course: dict[str, Any], state: PinState | None = None) -> list[dict[str, Any]]:
        query = {"state": str(state)} if state else {}
        found = await self.officer.get(f"/courses/{course['course_id']}/pins", params={"limit": 500, **query})
        items: list[dict[str, Any]] = expect(200, found)["items"]
        return items

    async def ledger(self, year: int = 2024, contract_id: str = CONTRACT) -> tuple[int, int, int]:
        """(announced, reserved, free) of a year."""
        answer = expect(200, await self.officer.get(f"/place-ledgers/{contract_id}/{year}"))
        return answer["announced"], answer["reserved"], answer["free"]

    async def pin_events(self, decision: Decision) -> list[PinEvent]:
        return [
            event
            for event in await self.service.published(Event)
            if isinstance(event, PinEvent) and event.key == decision.decision_ref
        ]


def expect(status: int, answer: httpx.Response) -> dict[str, Any]:
    """The body of an answer that must have this status."""
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


def refusal(answer: httpx.Response, status: int = 409) -> tuple[str, dict[str, Any]]:
    """The code and the figures of a refusal."""
    problem = expect(status, answer)
    return problem["code"], problem.get("values", {})


def _pin(course: dict[str, Any], decision: Decision) -> str:
    return f"/courses/{course['course_id']}/pins/{decision.decision_ref}"


def _counts(counts: dict[int, int] | None) -> tuple[AnnouncedCount, ...]:
    return tuple(AnnouncedCount(year=year, count=number) for year, number in (counts or {}).items())
