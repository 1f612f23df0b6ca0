"""Made-up registrations and courses of the search's design size. Repeatable: nothing here is random twice."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from contracts.courses import Course, CourseCreated, CoursePlacesChanged, CoursePublished, Period
from contracts.envelope import Event
from contracts.notifications import FeedbackAverage, FeedbackAveragePublished
from contracts.registration import (
    AgeGroup,
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
from contracts.values import CourseState, Coverage, DeliveryMode, Language, PeriodKind
from services.search.municipalities import municipality_register

OFFICES = 10_000
COURSES = 100_000
OFFICES_PER_PROVIDER = 4
CONTRACTS_PER_PROVIDER = 3
_CHANGES = 10
_AT_ONCE = 2_000

_CODES = sorted(near.code for near in municipality_register().nearest_first(municipality_register()["091"]))
_KINDS = (PeriodKind.OPENING, PeriodKind.MIDDLE, PeriodKind.CLOSING)

# The first services are common, the last two rare: a search for a rare one must look far.
SERVICES = tuple(f"SERVICE_{n}" for n in range(8))
_WEIGHTS = (30, 20, 15, 12, 10, 8, 1, 0.2)


def a_question(chance: random.Random) -> dict[str, Any]:
    """What one visitor asks: always where, how old and in which language; half of them for one service."""
    question: dict[str, Any] = {
        "municipality": chance.choice(_CODES),
        "age": chance.randint(18, 90),
        "language": "sv" if chance.random() < 0.1 else "fi",
    }
    if chance.random() < 0.5:
        question["service"] = chance.choice(SERVICES)
    return question


def all_events() -> Iterator[Event]:
    """Everything the search knows at its design size, one version of each aggregate."""
    chance = random.Random(2024)
    for service in SERVICES:
        yield ServiceDescriptionPublished(version=1, service=service, descriptions=(_description(service),))
    for number in range(OFFICES // OFFICES_PER_PROVIDER):
        provider_id = f"provider-{number}"
        yield ProviderRegistered(version=1, provider=Provider(provider_id=provider_id, name=f"Kuntoutus {number} Oy"))
        for contract in _contracts_of(number):
            yield ContractRegistered(version=1, contract=contract)
    for number in range(OFFICES):
        yield OfficeRegistered(version=1, office=_office(number, chance.choice(_CODES)))
    for number in range(COURSES):
        yield CoursePublished(version=1, course=_course(number, occupied=number % 13))
    for number in range(0, OFFICES, 2):
        average = FeedbackAverage(
            office_id=f"office-{number}",
            service=_contracts_of(number // OFFICES_PER_PROVIDER)[0].service,
            average=Decimal(chance.randint(30, 50)) / 10,
            answers=chance.randint(5, 200),
        )
        yield FeedbackAveragePublished(version=1, feedback=average)


def course_histories() -> Iterator[Event]:
    """As many events as `all_events` has, of fewer courses: created, published, and ten changes of places each.

    `_AT_ONCE` courses are being filled at any time, one client here and one there.
    """
    yield from (event for event in all_events() if not isinstance(event, CoursePublished))
    count = COURSES // (2 + _CHANGES)
    for first in range(0, count, _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, count))
        yield from (CourseCreated(version=1, course=_course(n, 0, CourseState.CREATED)) for n in numbers)
        yield from (CoursePublished(version=2, course=_course(n, 0)) for n in numbers)
        for change in range(1, _CHANGES + 1):
            yield from (CoursePlacesChanged(version=2 + change, course=_course(n, change)) for n in numbers)


def a_places_change(n: int) -> CoursePlacesChanged:
    """Another course each time, with one place fewer taken or one more."""
    number = n * 211 % COURSES
    return CoursePlacesChanged(version=2, course=_course(number, occupied=(number + 1) % 13))


def _course(number: int, occupied: int, state: CourseState = CourseState.PUBLISHED) -> Course:
    office = number % OFFICES
    contracts = _contracts_of(office // OFFICES_PER_PROVIDER)
    contract = contracts[number // OFFICES % len(contracts)]
    first_day = date.today() + timedelta(days=30 + number % 300)  # noqa: DTZ011 - any day to come will do
    age_group, min_age, max_age = ((None, None, None), ("UNDER_68", None, 67), ("FROM_68", 68, None))[number % 3]
    return Course(
        course_id=f"course-{number}",
        course_number=number + 1,
        contract_id=contract.contract_id,
        provider_id=contract.provider_id,
        office_id=f"office-{office}",
        service=contract.service,
        language=contract.language,
        state=state,
        year=first_day.year,
        group_size=12,
        pinned=occupied,
        occupied=occupied,
        target_groups=("GROUP_0", "GROUP_1"),
        age_group=age_group,
        min_age=min_age,
        max_age=max_age,
        periods=tuple(
            Period(
                number=n + 1,
                kind=kind,
                mode=DeliveryMode.FACE_TO_FACE,
                first_day=first_day + timedelta(days=100 * n),
                last_day=first_day + timedelta(days=100 * n + 4),
            )
            for n, kind in enumerate(_KINDS)
        ),
    )


def _office(number: int, municipality_code: str) -> Office:
    return Office(
        office_id=f"office-{number}",
        provider_id=f"provider-{number // OFFICES_PER_PROVIDER}",
        name=f"Toimipiste {number * 7919 % OFFICES}",
        municipality_code=municipality_code,
        street_address=f"Kuntoutuskatu {number}",
        postal_address="00100 Helsinki",
    )


@cache
def _contracts_of(provider: int) -> tuple[Contract, ...]:
    chance = random.Random(provider)
    return tuple(
        Contract(
            contract_id=f"contract-{provider}-{n}",
            provider_id=f"provider-{provider}",
            service=chance.choices(SERVICES, _WEIGHTS)[0],
            language=Language.SV if chance.random() < 0.08 else Language.FI,
            valid_from=date(2021, 4, 1),
            contact=Contact(email=f"kurssit@provider-{provider}.example", phone="+358501234567"),
        )
        for n in range(CONTRACTS_PER_PROVIDER)
    )


def _description(service: str) -> ServiceDescription:
    return ServiceDescription(
        service=service,
        description_version=1,
        valid_from=date(2021, 4, 1),
        names=LocalisedText(fi=f"Kurssi {service}", sv=f"Kurs {service}", en=f"Course {service}"),
        is_course=True,
        coverage=Coverage.NATIONAL,
        languages=(Language.FI, Language.SV),
        min_age=18,
        target_groups=tuple(
            TargetGroup(code=f"GROUP_{n}", names=LocalisedText(fi=f"Ryhmä {n}", sv=f"Grupp {n}", en=f"Group {n}"))
            for n in range(3)
        ),
        age_groups=(
            AgeGroup(code="UNDER_68", names=LocalisedText(fi="alle 68", sv="under 68", en="under 68"), max_age=67),
            AgeGroup(code="FROM_68", names=LocalisedText(fi="68+", sv="68+", en="68 and over"), min_age=68),
        ),
    )
