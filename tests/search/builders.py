"""Events as other services publish them, and words for asking the search."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx

from chassis.auth import Role
from chassis.testing import ServiceUnderTest
from contracts.courses import Course, CoursePublished, Period
from contracts.decisions import Quota, QuotaSet
from contracts.envelope import Event
from contracts.notifications import FeedbackAverage, FeedbackAveragePublished
from contracts.registration import (
    AgeGroup,
    ChoiceAnswer,
    ChoiceInformation,
    ChoiceInformationChanged,
    ChoiceOption,
    ChoiceQuestion,
    Contact,
    Contract,
    ContractRegistered,
    LocalisedText,
    Office,
    OfficeRegistered,
    Provider,
    ProviderRegistered,
    ServiceDescription,
    ServiceDescriptionPublished,
    TargetGroup,
)
from contracts.values import ChoiceKind, CourseState, Coverage, DeliveryMode, Language, PeriodKind

PROVIDER = "2828286-3"
HEART = "CARDIAC_ADULT"

UNDER_68 = AgeGroup(code="UNDER_68", names=LocalisedText(fi="alle 68", sv="under 68", en="under 68"), max_age=67)
FROM_68 = AgeGroup(code="FROM_68", names=LocalisedText(fi="68+", sv="68+", en="68 and over"), min_age=68)
CORONARY = TargetGroup(
    code="CORONARY", names=LocalisedText(fi="Sepelvaltimotauti", sv="Kranskärlssjukdom", en="Coronary artery disease")
)


def a_provider(version: int = 1, **differences: Any) -> ProviderRegistered:
    return ProviderRegistered(
        version=version, provider=Provider(**{"provider_id": PROVIDER, "name": "Sydänkuntoutus Oy", **differences})
    )


def an_office(version: int = 1, event: type[Any] = OfficeRegistered, **differences: Any) -> Any:
    return event(
        version=version,
        office=Office(
            **{
                "office_id": "office-kuopio",
                "provider_id": PROVIDER,
                "name": "Kuopion toimipiste",
                "municipality_code": "297",
                "street_address": "Puijonkatu 1",
                "postal_address": "70100 Kuopio",
                **differences,
            }
        ),
    )


def a_contract(version: int = 1, event: type[Any] = ContractRegistered, **differences: Any) -> Any:
    return event(
        version=version,
        contract=Contract(
            **{
                "contract_id": "contract-fi",
                "provider_id": PROVIDER,
                "service": HEART,
                "language": Language.FI,
                "valid_from": date(2021, 4, 1),
                "contact": Contact(email="kurssit@example.fi", phone="+358501234567", web=None),
                **differences,
            }
        ),
    )


def a_description(**differences: Any) -> ServiceDescription:
    return ServiceDescription(
        **{
            "service": HEART,
            "description_version": 1,
            "valid_from": date(2021, 4, 1),
            "names": LocalisedText(fi="Sydänkurssi", sv="Hjärtkurs", en="Cardiac course"),
            "is_course": True,
            "coverage": Coverage.NATIONAL,
            "languages": (Language.FI, Language.SV),
            "min_age": 18,
            "age_groups": (UNDER_68, FROM_68),
            "target_groups": (CORONARY,),
            **differences,
        }
    )


def a_service(
    version: int = 1,
    *,
    descriptions: Sequence[ServiceDescription] = (),
    questions: Sequence[ChoiceQuestion] = (),
    **differences: Any,
) -> ServiceDescriptionPublished:
    described = tuple(descriptions) or (a_description(**differences),)
    return ServiceDescriptionPublished(
        version=version, service=described[0].service, descriptions=described, choice_questions=tuple(questions)
    )


def text(word: str) -> LocalisedText:
    return LocalisedText(fi=f"{word} fi", sv=f"{word} sv", en=f"{word} en")


def a_question(
    code: str = "pool", options: Sequence[str] = ("none", "at_office"), **differences: Any
) -> ChoiceQuestion:
    return ChoiceQuestion(
        **{
            "code": code,
            "question_version": 1,
            "kind": ChoiceKind.ONE_OF if options else ChoiceKind.NUMBER,
            "texts": text(code),
            "options": tuple(ChoiceOption(code=option, texts=text(option)) for option in options),
            "valid_from": date(2022, 5, 1),
            **differences,
        }
    )


def choice_information(version: int = 1, *answers: ChoiceAnswer, **differences: Any) -> ChoiceInformationChanged:
    return ChoiceInformationChanged(
        version=version,
        choice_information=ChoiceInformation(
            **{
                "office_id": "office-kuopio",
                "provider_id": PROVIDER,
                "service": HEART,
                "answers": answers or (ChoiceAnswer(question="pool", options=("at_office",)),),
                **differences,
            }
        ),
    )


def a_period(first_day: date, number: int = 1, days: int = 5) -> Period:
    kinds = {1: PeriodKind.OPENING, 2: PeriodKind.MIDDLE, 3: PeriodKind.CLOSING}
    return Period(
        number=number,
        kind=kinds[number],
        mode=DeliveryMode.FACE_TO_FACE,
        first_day=first_day,
        last_day=first_day + timedelta(days=days - 1),
    )


def a_course(version: int = 2, event: type[Any] = CoursePublished, **differences: Any) -> Any:
    first_day = differences.pop("first_day", date(2024, 4, 8))
    return event(
        version=version,
        course=Course(
            **{
                "course_id": "course-976",
                "course_number": 976,
                "contract_id": "contract-fi",
                "provider_id": PROVIDER,
                "office_id": "office-kuopio",
                "service": HEART,
                "language": Language.FI,
                "state": CourseState.PUBLISHED,
                "year": first_day.year,
                "group_size": 12,
                "pinned": 0,
                "occupied": 0,
                "target_groups": ("CORONARY",),
                "periods": (a_period(first_day), a_period(first_day + timedelta(days=150), 2)),
                **differences,
            }
        ),
    )


def a_feedback_average(version: int = 1, **differences: Any) -> FeedbackAveragePublished:
    return FeedbackAveragePublished(
        version=version,
        feedback=FeedbackAverage(
            **{
                "office_id": "office-kuopio",
                "service": HEART,
                "average": Decimal("4.6"),
                "answers": 5,
                **differences,
            }
        ),
    )


def a_quota(version: int = 1, event: type[Any] = QuotaSet, **differences: Any) -> Any:
    return event(version=version, quota=Quota(**{"service": HEART, "year": 2024, "used": 0, **differences}))


class Search:
    """The service and its answers."""

    def __init__(self, service: ServiceUnderTest) -> None:
        self.service = service
        self.http = service.http(Role.PUBLIC)
        self.kela = service.http(Role.OFFICER)

    async def given(self, *events: Event) -> None:
        """Events that have been delivered."""
        await self.service.deliver(*events)

    async def given_one_office(self, *events: Event) -> None:
        """A heart-course office in Kuopio, complete, and `events` after it."""
        await self.given(a_service(), a_provider(), an_office(), a_contract(), *events)

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.http.get(path, params=query)

    async def offices(self, **query: Any) -> list[dict[str, Any]]:
        """The offerings of one page."""
        answer = await self.get("/offices", **query)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def courses(self, **query: Any) -> list[dict[str, Any]]:
        """The courses of every offering of one page."""
        return [course for item in await self.offices(**query) for course in item["courses"]]

    async def rows(self, table: str) -> list[dict[str, Any]]:
        """What the service keeps in a table, in a stable order."""
        async with self.service.transaction() as tx:
            return sorted((dict(row) for row in await tx.fetch(f"SELECT * FROM {table}")), key=str)
