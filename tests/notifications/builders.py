"""Events as other services publish them, and words for what clients and providers do."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from chassis.auth import Role
from chassis.testing import ServiceUnderTest
from chassis.vault import Vault
from contracts.courses import (
    ClientMoved,
    ClientPinned,
    ClientUnpinned,
    Course,
    CourseConfirmed,
    CoursePublished,
    Period,
    Pin,
)
from contracts.decisions import (
    AnnouncedCountFilled,
    ClientContact,
    ClientContactChanged,
    CountUse,
    Decision,
    DecisionAnnulled,
    DecisionAwaitsQuota,
    DecisionGranted,
    DecisionRevoked,
    PeriodPaid,
    Quota,
    QuotaSet,
)
from contracts.envelope import Event
from contracts.keys import Purpose
from contracts.notifications import MessageSent
from contracts.registration import (
    Contract,
    ContractRegistered,
    LocalisedText,
    ServiceDescription,
    ServiceDescriptionPublished,
)
from contracts.values import (
    CourseState,
    Coverage,
    DecisionState,
    DeliveryMode,
    Language,
    PeriodKind,
    PinState,
    ReleaseReason,
)
from services.notifications.delivery import Deliverer, deliverer_of

PROVIDER = "2828286-3"
OTHER_PROVIDER = "1234567-1"
HEART = "CARDIAC_ADULT"
OFFICE = "office-kuopio"
PHONE = "+358401234567"

FULL_AGREEMENT = {str(number): 1 for number in range(1, 20)}

_STATES: dict[type[Event], DecisionState] = {
    DecisionGranted: DecisionState.GRANTED,
    DecisionRevoked: DecisionState.REVOKED,
    DecisionAnnulled: DecisionState.ANNULLED,
    DecisionAwaitsQuota: DecisionState.AWAITING_QUOTA,
}


def a_decision(event: Any = DecisionGranted, version: int = 1, **differences: Any) -> Any:
    ref = differences.get("decision_ref", "D-1")
    given = {
        "decision_ref": ref,
        "application_ref": f"A-{ref}",
        "client_ref": f"client-of-{ref}",
        "service": HEART,
        "contract_id": "contract-fi",
        "provider_id": PROVIDER,
        "language": Language.FI,
        "state": _STATES[event],
        "applied_on": date(2024, 1, 2),
        "decided_on": date(2024, 1, 15),
        "new_client": True,
    }
    return event(version=version, decision=Decision(**{**given, **differences}))


def revoked(decision_ref: str = "D-1", version: int = 2) -> DecisionRevoked:
    return a_decision(DecisionRevoked, version, decision_ref=decision_ref)


def a_payment(period_number: int, *, last: bool = False, **differences: Any) -> PeriodPaid:
    ref = differences.get("decision_ref", "D-1")
    given = {
        "version": 1,
        "decision_ref": ref,
        "client_ref": f"client-of-{ref}",
        "contract_id": "contract-fi",
        "provider_id": PROVIDER,
        "office_id": OFFICE,
        "service": HEART,
        "course_id": "course-1",
        "period_number": period_number,
        "last": last,
        "paid_on": date(2024, 1, 15),
    }
    return PeriodPaid(**{**given, **differences})


def a_course(event: Any = CoursePublished, version: int = 1, **differences: Any) -> Any:
    given = {
        "course_id": "course-1",
        "course_number": 976,
        "contract_id": "contract-fi",
        "provider_id": PROVIDER,
        "office_id": OFFICE,
        "service": HEART,
        "language": Language.FI,
        "state": CourseState.CONFIRMED if event is CourseConfirmed else CourseState.PUBLISHED,
        "year": 2024,
        "group_size": 10,
        "pinned": 6,
        "occupied": 6,
        "periods": (
            Period(
                number=1,
                kind=PeriodKind.OPENING,
                mode=DeliveryMode.FACE_TO_FACE,
                first_day=date(2024, 4, 8),
                last_day=date(2024, 4, 12),
            ),
        ),
    }
    return event(version=version, course=Course(**{**given, **differences}))


def a_pin(event: Any = ClientPinned, version: int = 1, **differences: Any) -> Any:
    given = {
        "decision_ref": "D-1",
        "course_id": "course-1",
        "provider_id": PROVIDER,
        "office_id": OFFICE,
        "state": PinState.ACTIVE if event is ClientPinned else PinState.RELEASED,
        "reason": None if event is ClientPinned else ReleaseReason.DECISION_REVOKED,
        "occupies_place": event is ClientPinned,
        "pinned_at": datetime(2024, 1, 15, 9, tzinfo=UTC),
    }
    return event(version=version, pin=Pin(**{**given, **differences}))


def unpinned(version: int = 2, **differences: Any) -> ClientUnpinned:
    return a_pin(ClientUnpinned, version, **differences)


def moved(here: str, there: str, version: int = 2, **differences: Any) -> tuple[ClientMoved, ClientPinned]:
    """The two events of a move, of which the second is a version on; no two moves are at the same time."""
    ended = {"state": PinState.MOVED, "reason": None, "occupies_place": False, "moved_to": there}
    at = datetime(2024, 1, 15, 9, version, tzinfo=UTC)
    return (
        a_pin(ClientMoved, version, course_id=here, **ended, **differences),
        a_pin(version=version + 1, course_id=there, moved_from=here, pinned_at=at, **differences),
    )


def a_contract(version: int = 1, **differences: Any) -> ContractRegistered:
    given = {
        "contract_id": "contract-fi",
        "provider_id": PROVIDER,
        "service": HEART,
        "language": Language.FI,
        "valid_from": date(2021, 4, 1),
    }
    return ContractRegistered(version=version, contract=Contract(**{**given, **differences}))


def a_quota(event: Any = QuotaSet, version: int = 1, **differences: Any) -> Any:
    given = {"service": HEART, "year": 2024, "limit": 930, "used": 628}
    return event(version=version, quota=Quota(**{**given, **differences}))


def a_full_count(version: int = 1, **differences: Any) -> AnnouncedCountFilled:
    given = {
        "contract_id": "contract-fi",
        "provider_id": PROVIDER,
        "service": HEART,
        "language": Language.FI,
        "year": 2024,
        "announced": 24,
        "used": 24,
    }
    return AnnouncedCountFilled(version=version, count=CountUse(**{**given, **differences}))


def a_service(version: int = 1) -> ServiceDescriptionPublished:
    return ServiceDescriptionPublished(
        version=version,
        service=HEART,
        descriptions=(
            ServiceDescription(
                service=HEART,
                description_version=1,
                valid_from=date(2021, 4, 1),
                names=LocalisedText(fi="Sydänkurssi", sv="Hjärtkurs", en="Heart course"),
                is_course=True,
                coverage=Coverage.NATIONAL,
                languages=(Language.FI,),
            ),
        ),
    )


class Notifications:
    """What happens to the service, and what clients and providers see of it."""

    def __init__(self, service: ServiceUnderTest, sealing: Vault | None = None) -> None:
        self.service = service
        self._sealing = sealing or service.db.vault
        self.runtime = service.runtime
        self.deliver = service.deliver
        self.published = service.published
        self.sms_folder: Path = service.settings.home / "sms"
        self.public = service.http(None)
        self.officer = service.http(Role.OFFICER)

    async def a_contact(
        self, decision_ref: str = "D-1", *, phone: str = PHONE, language: Language = Language.FI, version: int = 1
    ) -> ClientContactChanged:
        """The client's contact as the decisions service seals it."""
        client_ref = f"client-of-{decision_ref}"
        contact = ClientContact(phone=phone, language=language)
        sealed = await self._sealing.seal(Purpose.CONTACTS, client_ref, contact.model_dump_json().encode())
        return ClientContactChanged(version=version, client_ref=client_ref, sealed=sealed)

    async def given_client(self, decision_ref: str = "D-1", **contact: Any) -> None:
        """A client with a grant and a contact."""
        await self.deliver(a_decision(decision_ref=decision_ref), await self.a_contact(decision_ref, **contact))

    def deliverer(self, **differences: Any) -> Deliverer:
        """A deliverer as the running service has it."""
        deliverer = deliverer_of(self.runtime)
        for name, value in differences.items():
            setattr(deliverer, name, value)
        return deliverer

    async def send_all(self, deliverer: Deliverer | None = None) -> None:
        """Deliver until there is nothing left to claim."""
        deliverer = deliverer or self.deliverer()
        while await deliverer.deliver():
            pass

    def sms(self) -> list[str]:
        """The SMS that have left, as files, oldest message first."""
        files = sorted(self.sms_folder.glob("*/*.txt"), key=lambda path: path.name)
        return [path.read_text() for path in files]

    def survey_tokens(self) -> list[str]:
        """The tokens of the survey links that have left."""
        return [match[1] for text in self.sms() for match in [re.search(r"/s/([a-z2-7]{28})\b", text)] if match]

    async def states(self, template: str) -> list[str]:
        """States of the messages of a template, oldest first."""
        async with self.service.transaction() as tx:
            rows = await tx.fetch("SELECT state FROM messages WHERE template = $1 ORDER BY message_id", template)
        return [row["state"] for row in rows]

    async def sent(self, template: str) -> list[MessageSent]:
        """What has been published about sent messages of a template."""
        return [event for event in await self.published(MessageSent) if event.template == template]

    async def inbox(self, provider_id: str = PROVIDER, **query: Any) -> list[dict[str, Any]]:
        """A provider's inbox, newest first."""
        answer = await self.service.http(Role.PROVIDER, provider_id).get("/messages", params=query)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def answer(self, token: str, answers: Mapping[str, Any]) -> httpx.Response:
        """Answer a survey as a client does."""
        return await self.public.post(f"/surveys/{token}/answers", json={"answers": dict(answers)})

    async def open_batches(self) -> None:
        """Batches that are full are opened, and their keys erased, as the timers of the running service do it."""
        await self.service.fire_timers()

    async def surveys(self, count: int, **payment: Any) -> list[str]:
        """Tokens of `count` surveys that have been sent to as many clients."""
        refs = [f"S-{number}" for number in range(count)]
        for ref in refs:
            await self.given_client(ref)
            await self.deliver(a_payment(2, decision_ref=ref, **payment))
        before = set(self.survey_tokens())
        await self.send_all()
        return [token for token in self.survey_tokens() if token not in before]

    async def expire_claims(self) -> None:
        """The leases of a process that has died have ended."""
        async with self.service.transaction() as tx:
            await tx.execute(
                "UPDATE messages SET claimed_until = clock_timestamp() - $1::interval WHERE claimed_by IS NOT NULL",
                timedelta(seconds=1),
            )


def code_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and refusal code of a problem answer."""
    return answer.status_code, answer.json()["code"]
