"""The copies: the same rows whatever the order, the batches and the repeats."""

import asyncio
import itertools
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis.testing import ServiceUnderTest
from contracts.courses import CourseConfirmed, CourseCreated, CoursePlacesChanged
from contracts.decisions import EstimateSet, QuotaFilled, QuotaScope, QuotaScopeSet
from contracts.envelope import Event
from contracts.registration import ChoiceAnswer, ContactChanged, ContractValidityChanged, OfficeChanged
from contracts.values import CourseState, Language
from services.search import projection, store
from tests.search.builders import (
    Search,
    a_contract,
    a_course,
    a_description,
    a_feedback_average,
    a_provider,
    a_question,
    a_quota,
    a_service,
    an_office,
    choice_information,
)

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

HISTORY: tuple[Event, ...] = (
    a_provider(1),
    a_provider(2, name="Sydänkuntoutus Oyj"),
    an_office(1),
    an_office(2, name="Kuopion keskus", municipality_code="588"),
    an_office(3, open=False),
    an_office(4, OfficeChanged, name="Kuopion uusi toimipiste"),
    an_office(1, office_id="office-turku", name="Turku", municipality_code="853"),
    an_office(2, office_id="office-turku", name="Turku", municipality_code="853", open=False),
    a_contract(1),
    a_contract(2, ContactChanged, contact=None),
    a_contract(3, ContractValidityChanged, valid_to=date(2026, 12, 31)),
    a_contract(1, contract_id="contract-sv", language=Language.SV),
    a_service(1),
    a_service(
        2,
        descriptions=[a_description(), a_description(description_version=2, valid_from=date(2025, 1, 1))],
        questions=[a_question(), a_question("queue_time", ())],
    ),
    a_course(1, CourseCreated, state=CourseState.CREATED),
    a_course(2),
    a_course(3, CoursePlacesChanged, occupied=1, pinned=1),
    a_course(4, CoursePlacesChanged, occupied=0),
    a_course(5, CourseConfirmed, state=CourseState.CONFIRMED, confirmed_on=date(2024, 2, 1), occupied=6, pinned=6),
    a_course(1, course_id="course-977", course_number=977),
    choice_information(1),
    choice_information(2, ChoiceAnswer(question="queue_time", number=6)),
    choice_information(1, office_id="office-turku"),
    a_feedback_average(1),
    a_feedback_average(2, average=Decimal("4.4"), answers=10),
    a_quota(1, EstimateSet, estimate=930),
    a_quota(2, estimate=930, limit=930, used=914),
    a_quota(3, QuotaFilled, estimate=930, limit=930, used=930),
    a_quota(4, QuotaScopeSet, estimate=930, limit=930, used=930, scopes=(QuotaScope(area="08", limit=9, used=1),)),
)

NEWEST = tuple(
    max(events, key=lambda event: event.version)
    for _, events in itertools.groupby(sorted(HISTORY, key=lambda e: (e.topic, e.key)), key=lambda e: (e.topic, e.key))
)


class UndoneError(Exception):
    """Ends a transaction without a trace."""


async def rows_after(service: ServiceUnderTest, batches: Sequence[Sequence[Event]]) -> dict[str, list[dict[str, Any]]]:
    """What all copies hold after the batches, starting from nothing and leaving nothing."""
    rows: dict[str, list[dict[str, Any]]] = {}
    with suppress(UndoneError):
        async with service.transaction() as tx:
            for batch in batches:
                await projection.apply(tx, batch)
            for table in TABLES:
                rows[table] = sorted((dict(row) for row in await tx.fetch(f"SELECT * FROM {table}")), key=str)
            raise UndoneError
    return rows


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_any_order_any_batches_and_any_repeats_give_the_same_rows(service: ServiceUnderTest, data: st.DataObject):
    expected = await rows_after(service, [[event] for event in HISTORY])
    delivered = data.draw(st.permutations(HISTORY)) + data.draw(st.lists(st.sampled_from(HISTORY), max_size=10))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(delivered) - 1), max_size=6)))
    batches = [delivered[start:end] for start, end in itertools.pairwise([0, *cuts, len(delivered)])]
    assert await rows_after(service, batches) == expected


async def test_the_newest_versions_alone_give_the_same_rows(service: ServiceUnderTest):
    expected = await rows_after(service, [[event] for event in HISTORY])
    assert await rows_after(service, [NEWEST]) == expected
    assert all(expected[table] for table in TABLES), "every copy takes part"


STALE = [
    ("_SET_PROVIDERS", a_provider(2, name="new"), a_provider(1, name="old")),
    ("_SET_OFFICES", an_office(2, name="new"), an_office(1, name="old")),
    ("_SET_CONTRACTS", a_contract(2, valid_to=date(2026, 1, 1)), a_contract(1)),
    ("_SET_SERVICES", a_service(2, min_age=16), a_service(1)),
    ("_SET_COURSES", a_course(3, CoursePlacesChanged, occupied=4), a_course(2)),
    ("_SET_CHOICE_INFORMATION", choice_information(2, ChoiceAnswer(question="pool")), choice_information(1)),
    ("_SET_FEEDBACK_AVERAGES", a_feedback_average(2, answers=10), a_feedback_average(1)),
    ("_SET_QUOTAS", a_quota(2, limit=930), a_quota(1)),
]


async def test_a_stale_event_changes_nothing(service: ServiceUnderTest):
    for _, newer, stale in STALE:
        assert await rows_after(service, [[newer], [stale]]) == await rows_after(service, [[newer]])


async def test_without_its_guard_a_stale_event_would_overwrite(
    service: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
):
    """The negative control of the test above."""
    for statement, newer, stale in STALE:
        unguarded = getattr(store, statement).replace("WHERE excluded.version > held.version", "")
        monkeypatch.setattr(store, statement, unguarded)
        assert await rows_after(service, [[newer], [stale]]) != await rows_after(service, [[newer]]), statement


async def merge_both_halves_at_once(service: ServiceUnderTest) -> int:
    """An office and its contract, each in a transaction that began before the other ended; the offerings then."""
    await service.deliver(a_provider())
    office_merged = asyncio.Event()
    contract_begun = asyncio.Event()

    async def merge_office() -> None:
        async with service.transaction() as tx:
            await projection.apply(tx, [an_office()])
            office_merged.set()
            await contract_begun.wait()
            # Until the contract's transaction either waits for our lock or, without one, is done.
            await wait_for_a_waiter_or(tx, merging_contract)

    async def merge_contract() -> None:
        await office_merged.wait()
        async with service.transaction() as tx:
            contract_begun.set()
            await projection.apply(tx, [a_contract()])

    async def wait_for_a_waiter_or(tx, other: asyncio.Task[None]) -> None:
        async with asyncio.timeout(5):
            while not other.done():
                if await tx.fetchval(
                    "SELECT true FROM pg_locks WHERE relation = 'offerings'::regclass AND NOT granted"
                ):
                    return
                await asyncio.sleep(0.005)

    merging_contract = asyncio.create_task(merge_contract())
    await merge_office()
    await merging_contract
    async with service.transaction() as tx:
        return int(await tx.fetchval("SELECT count(*) FROM offerings"))


async def test_an_office_and_its_contract_that_arrive_together_make_an_offering(service: ServiceUnderTest):
    assert await merge_both_halves_at_once(service) == 1


async def test_without_the_lock_neither_half_would_see_the_other(
    service: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
):
    """The negative control of the test above."""
    monkeypatch.setattr(store, "LOCK_OFFERINGS", "SELECT")
    assert await merge_both_halves_at_once(service) == 0


async def test_a_redelivered_event_changes_nothing(search: Search):
    event = a_course(3, CoursePlacesChanged, occupied=1, pinned=1)
    record = search.service.record_of(event)
    await search.given_one_office()
    await search.service.deliver_records(record, record)
    before = await search.rows("courses")
    await search.service.deliver_records(record)
    assert await search.rows("courses") == before
    assert [course["free_places"] for course in await search.courses()] == [11]


async def test_poisoned_records_do_not_take_their_batch_along(search: Search):
    await search.given_one_office()
    records = [
        search.service.record_of(a_course(course_id=f"course-{n}", course_number=n, occupied=-1 if n == 6 else 0))
        for n in range(1, 8)
    ]
    records[1] = replace(records[1], value=b"{")
    records[2] = replace(records[2], value=b'{"version": 2, "course": {}}')
    records[3] = replace(records[3], headers=(*records[3].headers, ("broken", b"\xff")))
    await search.service.deliver_records(*records)
    assert [course["course_number"] for course in await search.courses()] == [1, 5, 7]
    letters = {letter["position"]: letter["failure"] for letter in await search.rows("dead_letters")}
    failures = {1: "permanent", 2: "permanent", 3: "permanent", 5: "bug"}
    assert letters == {records[n].position: failure for n, failure in failures.items()}
