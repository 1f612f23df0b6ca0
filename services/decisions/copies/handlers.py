"""Keeping the copies: one function per topic."""

from collections.abc import Sequence

from chassis.db import Transaction
from contracts.courses import CourseEvent, PinEvent
from contracts.envelope import Event
from contracts.registration import (
    ContractEvent,
    ContractValidityChanged,
    OfficeEvent,
    RegistrationChanged,
    ServiceDescriptionPublished,
)
from services.decisions.copies import store
from services.decisions.quotas import handlers as quotas
from services.decisions.quotas import release
from services.decisions.quotas.domain import CountUse


async def on_contract(tx: Transaction, event: ContractEvent) -> None:
    """Our copies of a contract and of its announced counts follow registration (R-DEC-1).

    More room, and a last day that was moved or lifted (E-45), let in those who wait (E-54).
    """
    contract = event.contract
    told = [
        CountUse(
            contract_id=contract.contract_id,
            provider_id=contract.provider_id,
            service=contract.service,
            language=contract.language,
            year=announced.year,
            announced=announced.count,
        )
        for announced in sorted(contract.announced_counts, key=lambda announced: announced.year)
    ]
    makes_room = [await quotas.makes_room(tx, count) for count in told]
    if any(makes_room) or isinstance(event, ContractValidityChanged):
        await release.plan(tx, contract.service)
    if await store.merge_contract(tx, contract, event.version):
        for count in told:
            await quotas.follow_announcement(tx, count)


async def on_service_description(tx: Transaction, event: ServiceDescriptionPublished) -> None:
    """Our copy of a service's parameters, all versions of them (E-13)."""
    await store.merge_descriptions(tx, event.service, event.version, event.descriptions)


async def copy_courses_pins_and_offices(tx: Transaction, events: Sequence[Event]) -> None:
    """Where courses' periods end and for what ages they are, which decision is pinned where, where offices are."""
    in_key_order = sorted(events, key=lambda event: event.key)
    await store.merge_courses(tx, [(e.course, e.version) for e in in_key_order if isinstance(e, CourseEvent)])
    await store.merge_course_ages(tx, [(e.course, e.version) for e in in_key_order if isinstance(e, CourseEvent)])
    await store.merge_offices(tx, [(e.office, e.version) for e in in_key_order if isinstance(e, OfficeEvent)])
    offered = [(e.registration, e.version) for e in in_key_order if isinstance(e, RegistrationChanged)]
    await store.merge_offerings(tx, offered)
    await store.merge_pins(tx, [(e.pin, e.version) for e in in_key_order if isinstance(e, PinEvent)])
