"""The gateway with real services behind it, a browser in front, and builders of what they know."""

from dataclasses import replace
from datetime import date
from typing import Any

import httpx

from chassis.auth import Role
from chassis.limits import Rates
from chassis.testing import ServiceUnderTest
from contracts.courses import Course, CoursePublished, Period
from contracts.decisions import Decision, DecisionGranted, PeriodPaid
from contracts.notifications import FeedbackAverage, FeedbackAveragePublished
from contracts.registration import (
    AnnouncedCount,
    AnnouncedCountChanged,
    Contact,
    Contract,
    ContractRegistered,
    LocalisedText,
    Office,
    OfficeRegistered,
    PeriodPlan,
    Provider,
    ProviderRegistered,
    ServiceDescription,
    ServiceDescriptionPublished,
    TargetGroup,
)
from contracts.values import CourseState, Coverage, DecisionState, DeliveryMode, Language, PeriodKind
from services.gateway.rates import Meter
from services.gateway.upstreams import Upstreams
from services.gateway.visitor import Gateway
from services.notifications import store
from services.notifications.links import SurveyLinks, token_hash
from tests.decision_refs import a_decision_ref

PROVIDER = "2828286-3"
OTHER_PROVIDER = "1572860-0"
SERVICE_CODE = "CARDIAC_ADULT"
CONTRACT = "contract-1"
OFFICE = "office-1"
HTML = {"accept": "text/html,application/xhtml+xml"}
NAMES = LocalisedText(fi="Sydänkurssi", sv="Hjärtkurs", en="Heart course")


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class GatewayUnderTest:
    """The gateway in this process; services are put behind it one by one."""

    def __init__(self, service: ServiceUnderTest) -> None:
        self.service = service
        self.app = service.runtime.app

    @property
    def state(self) -> Gateway:
        return self.app.state.gateway

    def change(self, **differences: Any) -> None:
        """Let the gateway hold something else."""
        self.app.state.gateway = replace(self.state, **differences)

    def allow(self, **rates: int) -> Clock:
        """Let so many requests through a minute of the clock that is returned; other kinds keep their rates."""
        clock = Clock()
        self.change(meter=Meter(Rates(**rates), clock))
        return clock

    def put_behind(self, *services: ServiceUnderTest, **addresses: str) -> None:
        """Reach `services` in this process, and more by address."""
        bases = {service.service.name: f"http://{service.service.name}.test" for service in services}
        upstreams = Upstreams({**bases, **addresses})
        for service in services:
            upstreams.connect(service.service.name, httpx.ASGITransport(service.runtime.app))
        self.change(upstreams=upstreams)

    def browser(self, language: str = "en", address: str = "192.0.2.1") -> httpx.AsyncClient:
        """A browser with a cookie jar of its own."""
        transport = httpx.ASGITransport(self.app, client=(address, 50000))
        return httpx.AsyncClient(
            transport=transport, base_url="http://gateway.test", headers={**HTML, "accept-language": language}
        )

    async def signed_in(self, role: Role, provider_id: str = "") -> httpx.AsyncClient:
        """A browser that has signed in."""
        browser = self.browser()
        answer = await browser.post("/sign-in", data={**await sign_in_form(browser), **who(role, provider_id)})
        assert answer.status_code == 303, answer.text
        return browser

    async def provider(self, provider_id: str = PROVIDER) -> httpx.AsyncClient:
        return await self.signed_in(Role.PROVIDER, provider_id)


def who(role: Role, provider_id: str = "") -> dict[str, str]:
    return {"role": str(role), "provider_id": provider_id}


def hidden(page: httpx.Response, name: str) -> str:
    """The value of a hidden field of the page's own form, not of its frame's."""
    return page.text.split("<main", 1)[1].split(f'name="{name}" value="', 1)[1].split('"', 1)[0]


async def sign_in_form(browser: httpx.AsyncClient) -> dict[str, str]:
    return {"csrf": hidden(await browser.get("/sign-in"), "csrf")}


async def csrf_of(browser: httpx.AsyncClient) -> str:
    return (await browser.get("/session")).json()["csrf_token"]


def a_description(**differences: Any) -> ServiceDescription:
    facts: dict[str, Any] = {
        "service": SERVICE_CODE,
        "description_version": 1,
        "valid_from": date(2020, 1, 1),
        "names": NAMES,
        "is_course": True,
        "coverage": Coverage.NATIONAL,
        "languages": (Language.FI, Language.SV),
        "group_min": 6,
        "group_max": 12,
        "confirm_min": 6,
        "confirm_within_months": 4,
        "min_age": 18,
        "target_groups": (
            TargetGroup(code="coronary", names=LocalisedText(fi="Sepelvaltimo", sv="Kranskärl", en="Coronary")),
        ),
        "target_groups_min": 1,
        "target_groups_max": 1,
        "periods": (PeriodPlan(number=1, kind=PeriodKind.OPENING, mode=DeliveryMode.FACE_TO_FACE, days=5),),
    }
    return ServiceDescription(**{**facts, **differences})


def a_period(number: int = 1, **differences: Any) -> Period:
    facts: dict[str, Any] = {
        "number": number,
        "kind": PeriodKind.OPENING,
        "mode": DeliveryMode.FACE_TO_FACE,
        "first_day": date(2024, 4, 8),
        "last_day": date(2024, 4, 12),
    }
    return Period(**{**facts, **differences})


def a_course(**differences: Any) -> Course:
    facts: dict[str, Any] = {
        "course_id": "course-1",
        "course_number": 993,
        "contract_id": CONTRACT,
        "provider_id": PROVIDER,
        "office_id": OFFICE,
        "service": SERVICE_CODE,
        "language": Language.FI,
        "state": CourseState.PUBLISHED,
        "year": 2024,
        "group_size": 10,
        "pinned": 3,
        "occupied": 3,
        "target_groups": ("coronary",),
        "periods": (a_period(),),
    }
    return Course(**{**facts, **differences})


def a_contract(**differences: Any) -> Contract:
    facts: dict[str, Any] = {
        "contract_id": CONTRACT,
        "provider_id": PROVIDER,
        "service": SERVICE_CODE,
        "language": Language.FI,
        "valid_from": date(2023, 1, 1),
        "contact": Contact(email="kurssit@tuulikello.example", phone="+358401234567"),
        "announced_counts": (AnnouncedCount(year=2024, count=40),),
    }
    return Contract(**{**facts, **differences})


def a_decision(**differences: Any) -> Decision:
    facts: dict[str, Any] = {
        "decision_ref": a_decision_ref(1),
        "application_ref": "application-1",
        "client_ref": "client-1",
        "service": SERVICE_CODE,
        "contract_id": CONTRACT,
        "provider_id": PROVIDER,
        "language": Language.FI,
        "state": DecisionState.GRANTED,
        "applied_on": date(2024, 1, 2),
        "decided_on": date(2024, 1, 10),
        "confirm_by": date(2024, 5, 10),
    }
    return Decision(**{**facts, **differences})


def an_office(**differences: Any) -> Office:
    facts: dict[str, Any] = {
        "office_id": OFFICE,
        "provider_id": PROVIDER,
        "name": "Tuulikellon kuntoutuskeskus",
        "municipality_code": "297",
        "street_address": "Rantakatu 4",
        "postal_address": "70100 Kuopio",
    }
    return Office(**{**facts, **differences})


def a_description_event(**differences: Any) -> ServiceDescriptionPublished:
    return ServiceDescriptionPublished(version=1, service=SERVICE_CODE, descriptions=(a_description(**differences),))


REGISTERED = (
    ProviderRegistered(version=1, provider=Provider(provider_id=PROVIDER, name="Tuulikello Oy")),
    OfficeRegistered(version=1, office=an_office()),
    ContractRegistered(version=1, contract=a_contract()),
)


async def tell_search(search: ServiceUnderTest, *courses: Course, answers: int = 12) -> None:
    """One provider with one office in Kuopio, its courses, and a feedback average."""
    await search.deliver(a_description_event(), *REGISTERED)
    await search.deliver(*(CoursePublished(version=1, course=course) for course in courses or (a_course(),)))
    if answers:
        feedback = FeedbackAverage(office_id=OFFICE, service=SERVICE_CODE, average="4.6", answers=answers)
        await search.deliver(FeedbackAveragePublished(version=1, feedback=feedback))


async def tell_courses(courses: ServiceUnderTest, decisions: int = 1) -> None:
    """The same provider with room for 40 places, and clients with the first decisions."""
    announced = AnnouncedCountChanged(version=2, contract=a_contract(), year=2024, count=40)
    await courses.deliver(a_description_event(), *REGISTERED[1:], announced)
    for number in range(1, decisions + 1):
        decision = a_decision(decision_ref=a_decision_ref(number), client_ref=f"client-{number}")
        await courses.deliver(DecisionGranted(version=1, decision=decision))


async def create_course(courses: ServiceUnderTest, provider_id: str = PROVIDER) -> str:
    """A created course of the provider; its id."""
    body = {
        "contract_id": CONTRACT,
        "office_id": OFFICE,
        "group_size": 6,
        "target_groups": ["coronary"],
        "periods": [{"first_day": "2024-04-08", "last_day": "2024-04-12"}],
    }
    answer = await courses.http(Role.PROVIDER, provider_id).post("/courses", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["course_id"]


async def open_survey(notifications: ServiceUnderTest, number: int = 1) -> str:
    """The token of the link of a survey that is open, of client `number`."""
    decision = a_decision(decision_ref=a_decision_ref(number), client_ref=f"client-{number}")
    await notifications.deliver(a_description_event(), DecisionGranted(version=1, decision=decision))
    await notifications.deliver(
        PeriodPaid(
            version=1,
            decision_ref=decision.decision_ref,
            client_ref=decision.client_ref,
            contract_id=CONTRACT,
            provider_id=PROVIDER,
            office_id=OFFICE,
            service=SERVICE_CODE,
            course_id="course-1",
            period_number=2,
            last=False,
            paid_on=date(2024, 1, 14),
        )
    )
    links = SurveyLinks(notifications.settings)
    async with notifications.transaction() as tx:
        survey_id = await tx.fetchval(
            "SELECT survey_id FROM invitations WHERE decision_ref = $1", decision.decision_ref
        )
        await store.set_token_hashes(tx, {survey_id: token_hash(links.token(survey_id))})
    return links.token(survey_id)
