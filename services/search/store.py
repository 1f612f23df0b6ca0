"""The copies the search keeps, and how they are merged: newer version wins, a batch at a time.

Order of locks: the rows of one kind of copy in the order of their keys, then `offerings` as a whole.
"""

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TypeVar

import asyncpg
from pydantic import TypeAdapter

from chassis.db import Transaction
from contracts.courses import CourseEvent, Period
from contracts.decisions import QuotaEvent, QuotaScope, QuotaScopeEvent
from contracts.notifications import FeedbackAveragePublished
from contracts.registration import (
    ChoiceAnswer,
    ChoiceInformationChanged,
    ChoiceQuestion,
    ContractEvent,
    OfficeEvent,
    ProviderRegistered,
    ServiceDescription,
    ServiceDescriptionPublished,
)
from services.search.domain import name_order

Row = TypeVar("Row", bound=Sequence[object])

TABLES = (
    "providers",
    "offices",
    "contracts",
    "offerings",
    "services",
    "service_descriptions",
    "courses",
    "choice_information",
    "feedback_averages",
    "quotas",
)
"""Everything the search keeps: all of it is projected."""

_PERIODS = TypeAdapter(tuple[Period, ...])
_QUESTIONS = TypeAdapter(tuple[ChoiceQuestion, ...])
_ANSWERS = TypeAdapter(tuple[ChoiceAnswer, ...])
_SCOPES = TypeAdapter(tuple[QuotaScope, ...])


async def set_providers(tx: Transaction, events: Iterable[ProviderRegistered]) -> None:
    """Merge providers, and let their offices offer what waited for them."""
    rows = [(e.provider.provider_id, e.version, e.provider.name) for e in events]
    changed = await tx.fetch(_SET_PROVIDERS, *_columns(rows))
    await _derive_offerings(tx, "provider_id", changed)


async def set_offices(tx: Transaction, offices: Iterable[tuple[OfficeEvent, str]]) -> None:
    """Merge offices, each with the municipality code of today, and what they offer."""
    rows = [
        (
            e.office.office_id,
            e.version,
            e.office.provider_id,
            e.office.name,
            name_order(e.office.name),
            municipality_code,
            e.office.street_address,
            e.office.postal_address,
            e.office.phone,
            e.office.open,
        )
        for e, municipality_code in offices
    ]
    changed = await tx.fetch(_SET_OFFICES, *_columns(rows))
    await _derive_offerings(tx, "office_id", changed)


async def set_contracts(tx: Transaction, events: Iterable[ContractEvent]) -> None:
    """Merge contracts with their published contacts, and what they let offices offer."""
    rows = [
        (
            e.contract.contract_id,
            e.version,
            e.contract.provider_id,
            e.contract.service,
            e.contract.language,
            e.contract.valid_from,
            e.contract.valid_to,
            e.contract.contact and e.contract.contact.email,
            e.contract.contact and e.contract.contact.phone,
            e.contract.contact and e.contract.contact.web,
        )
        for e in events
    ]
    changed = await tx.fetch(_SET_CONTRACTS, *_columns(rows))
    await _derive_offerings(tx, "contract_id", changed)


async def set_services(tx: Transaction, events: Iterable[ServiceDescriptionPublished]) -> None:
    """Merge services; all versions of a service's description are replaced together, and its questions."""
    published = {e.service: e for e in events}
    rows = [(e.service, e.version, _QUESTIONS.dump_json(e.choice_questions).decode()) for e in published.values()]
    changed = {row["service"] for row in await tx.fetch(_SET_SERVICES, *_columns(rows))}
    if changed:
        await tx.execute("DELETE FROM service_descriptions WHERE service = ANY($1)", sorted(changed))
        descriptions = [d for service in changed for d in published[service].descriptions]
        await tx.executemany(_ADD_DESCRIPTION, [_description_row(d) for d in descriptions])


async def set_courses(tx: Transaction, events: Iterable[CourseEvent]) -> None:
    """Merge courses with their free places."""
    rows = [
        (
            course.course_id,
            version,
            course.course_number,
            course.contract_id,
            course.provider_id,
            course.office_id,
            course.service,
            course.language,
            course.state,
            course.group_size,
            course.free_places,
            _list_json(course.target_groups),
            course.age_group,
            course.min_age,
            course.max_age,
            min([period.first_day for period in course.periods]),
            max([period.last_day for period in course.periods]),
            _PERIODS.dump_json(course.periods).decode(),
            course.confirmed_on,
        )
        for course, version in ((e.course, e.version) for e in events)
    ]
    await tx.execute(_SET_COURSES, *_columns(rows))


async def set_choice_information(tx: Transaction, events: Iterable[ChoiceInformationChanged]) -> None:
    """Merge what offices answer about services (R-SRCH-9)."""
    rows = [
        (told.office_id, told.service, version, _ANSWERS.dump_json(told.answers).decode())
        for told, version in ((e.choice_information, e.version) for e in events)
    ]
    await tx.execute(_SET_CHOICE_INFORMATION, *_columns(rows))


async def set_feedback_averages(tx: Transaction, events: Iterable[FeedbackAveragePublished]) -> None:
    """Merge published feedback averages."""
    rows = [
        (e.feedback.office_id, e.feedback.service, e.version, e.feedback.average, e.feedback.answers) for e in events
    ]
    await tx.execute(_SET_FEEDBACK_AVERAGES, *_columns(rows))


async def set_quotas(tx: Transaction, events: Iterable[QuotaEvent | QuotaScopeEvent]) -> None:
    """Merge quotas and estimates, with those of areas and languages (E-55)."""
    rows = [
        (
            quota.service,
            quota.year,
            version,
            quota.estimate,
            quota.limit,
            quota.used,
            quota.suspended,
            _SCOPES.dump_json(quota.scopes).decode(),
        )
        for quota, version in ((e.quota, e.version) for e in events)
    ]
    await tx.execute(_SET_QUOTAS, *_columns(rows))


async def find_version(tx: Transaction, subject_id: str, *, subject: str) -> int | None:
    """The version of our copy of a subject in `VERSIONED`, None while there is none."""
    version: int | None = await tx.fetchval(VERSIONED[subject], subject_id)
    return version


async def _derive_offerings(tx: Transaction, kind: str, changed: Sequence[asyncpg.Record]) -> None:
    """Bring the offerings of changed offices, contracts or providers up to date; `kind` is their id's column.

    Two transactions may merge two parts of one offering at the same time, neither seeing the other's.
    The lock makes the second wait, and its statements then see what the first committed.
    """
    if not changed:
        return
    ids = [row[kind] for row in changed]
    await tx.execute(LOCK_OFFERINGS)
    await tx.execute(_DROP_OFFERINGS[kind], ids)
    await tx.execute(_ADD_OFFERINGS[kind], ids)


def _columns(rows: list[Row]) -> list[list[object]]:
    """Rows turned into the column arrays that `unnest` takes, in the order of their keys (lock order)."""
    return [list(column) for column in zip(*sorted(rows, key=lambda row: (row[0], row[1])), strict=True)]


@lru_cache
def _list_json(texts: tuple[str, ...]) -> str:
    return json.dumps(texts)


def _description_row(d: ServiceDescription) -> tuple[object, ...]:
    return (
        d.service,
        d.description_version,
        d.valid_from,
        d.valid_to,
        d.coverage,
        d.is_course,
        list(d.languages),
        d.min_age,
        d.max_age,
        d.names.model_dump(),
        [group.model_dump() for group in d.age_groups],
        [group.model_dump() for group in d.target_groups],
    )


_SET_PROVIDERS = """
INSERT INTO providers AS held (provider_id, version, name)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[])
ON CONFLICT (provider_id) DO UPDATE SET version = excluded.version, name = excluded.name
WHERE excluded.version > held.version
RETURNING provider_id
"""

_SET_OFFICES = """
INSERT INTO offices AS held (office_id, version, provider_id, name, name_order, municipality_code,
    street_address, postal_address, phone, open)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::text[], $8::text[], $9::text[], $10::boolean[])
ON CONFLICT (office_id) DO UPDATE SET version = excluded.version, provider_id = excluded.provider_id,
    name = excluded.name, name_order = excluded.name_order, municipality_code = excluded.municipality_code,
    street_address = excluded.street_address, postal_address = excluded.postal_address,
    phone = excluded.phone, open = excluded.open
WHERE excluded.version > held.version
RETURNING office_id
"""

_SET_CONTRACTS = """
INSERT INTO contracts AS held (contract_id, version, provider_id, service, language, valid_from, valid_to,
    email, phone, web)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::date[], $7::date[],
    $8::text[], $9::text[], $10::text[])
ON CONFLICT (contract_id) DO UPDATE SET version = excluded.version, provider_id = excluded.provider_id,
    service = excluded.service, language = excluded.language, valid_from = excluded.valid_from,
    valid_to = excluded.valid_to, email = excluded.email, phone = excluded.phone, web = excluded.web
WHERE excluded.version > held.version
RETURNING contract_id
"""

_SET_SERVICES = """
INSERT INTO services AS held (service, version, choice_questions)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::json[])
ON CONFLICT (service) DO UPDATE SET version = excluded.version, choice_questions = excluded.choice_questions
WHERE excluded.version > held.version
RETURNING service
"""

_ADD_DESCRIPTION = """
INSERT INTO service_descriptions (service, description_version, valid_from, valid_to, coverage, is_course,
    languages, min_age, max_age, names, age_groups, target_groups)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""

_SET_COURSES = """
INSERT INTO courses AS held (course_id, version, course_number, contract_id, provider_id, office_id, service,
    language, state, group_size, free_places, target_groups, age_group, min_age, max_age,
    first_day, last_day, periods, confirmed_on)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::integer[], $11::integer[], $12::json[], $13::text[], $14::integer[], $15::integer[],
    $16::date[], $17::date[], $18::json[], $19::date[])
ON CONFLICT (course_id) DO UPDATE SET version = excluded.version, course_number = excluded.course_number,
    contract_id = excluded.contract_id, provider_id = excluded.provider_id, office_id = excluded.office_id,
    service = excluded.service, language = excluded.language, state = excluded.state,
    group_size = excluded.group_size, free_places = excluded.free_places,
    target_groups = excluded.target_groups, age_group = excluded.age_group,
    min_age = excluded.min_age, max_age = excluded.max_age, first_day = excluded.first_day,
    last_day = excluded.last_day, periods = excluded.periods, confirmed_on = excluded.confirmed_on
WHERE excluded.version > held.version
"""

_SET_CHOICE_INFORMATION = """
INSERT INTO choice_information AS held (office_id, service, version, answers)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::json[])
ON CONFLICT (office_id, service) DO UPDATE SET version = excluded.version, answers = excluded.answers
WHERE excluded.version > held.version
"""

_SET_FEEDBACK_AVERAGES = """
INSERT INTO feedback_averages AS held (office_id, service, version, average, answers)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::numeric[], $5::integer[])
ON CONFLICT (office_id, service) DO UPDATE SET version = excluded.version, average = excluded.average,
    answers = excluded.answers
WHERE excluded.version > held.version
"""

_SET_QUOTAS = """
INSERT INTO quotas AS held (service, year, version, estimate, quota_limit, used, suspended, scopes)
SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::integer[], $5::integer[], $6::integer[],
    $7::boolean[], $8::json[])
ON CONFLICT (service, year) DO UPDATE SET version = excluded.version, estimate = excluded.estimate,
    quota_limit = excluded.quota_limit, used = excluded.used, suspended = excluded.suspended,
    scopes = excluded.scopes
WHERE excluded.version > held.version
"""

LOCK_OFFERINGS = "LOCK TABLE offerings IN SHARE ROW EXCLUSIVE MODE"

_PARTS = {"office_id": "o", "contract_id": "c", "provider_id": "p"}

_DROP_OFFERINGS = {kind: f"DELETE FROM offerings WHERE {kind} = ANY($1)" for kind in _PARTS}  # noqa: S608 - constants

_ADD_OFFERINGS = {
    kind: f"""
INSERT INTO offerings (office_id, contract_id, provider_id, service, language, valid_from, valid_to,
    municipality_code, name_order)
SELECT o.office_id, c.contract_id, p.provider_id, c.service, c.language, c.valid_from, c.valid_to,
    o.municipality_code, o.name_order
FROM offices o
JOIN contracts c ON c.provider_id = o.provider_id
JOIN providers p ON p.provider_id = o.provider_id
WHERE o.open AND {part}.{kind} = ANY($1)
"""  # noqa: S608 - constants
    for kind, part in _PARTS.items()
}

_OF_OFFICE = " AND rekku_may_see((SELECT provider_id FROM offices o WHERE o.office_id = of_office.office_id))"

VERSIONED = {
    "provider": "SELECT version FROM providers WHERE provider_id = $1 AND rekku_may_see(provider_id)",
    "office": "SELECT version FROM offices WHERE office_id = $1 AND rekku_may_see(provider_id)",
    "contract": "SELECT version FROM contracts WHERE contract_id = $1 AND rekku_may_see(provider_id)",
    "service": "SELECT version FROM services WHERE service = $1",
    "course": "SELECT version FROM courses WHERE course_id = $1 AND rekku_may_see(provider_id)",
    "choice-information": "SELECT version FROM choice_information AS of_office"  # noqa: S608 - constants
    " WHERE office_id = split_part($1, '/', 1) AND service = split_part($1, '/', 2)" + _OF_OFFICE,
    "feedback": "SELECT version FROM feedback_averages AS of_office"  # noqa: S608 - constants
    " WHERE office_id || '/' || service = $1" + _OF_OFFICE,
    "quota": "SELECT version FROM quotas WHERE service || '/' || year = $1",
}
"""What a caller can say it knows (`Rekku-Known`), and where our copy's version stands.

The tables are public only through what the search shows of them: whoever offers nothing is not shown, and no
version is. So a provider waits for what is its own, and for what is Kela's (services, quotas).
"""
