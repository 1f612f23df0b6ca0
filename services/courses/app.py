"""Wiring of the courses service."""

from functools import partial
from pathlib import Path

from chassis.service import Service
from contracts.decisions import DECISION_EVENTS, ClientEligibilityChanged, ClientEligibilityErased
from contracts.registration import CONTRACT_EVENTS, OFFICE_EVENTS, ServiceDescriptionPublished
from services.courses import api, copies, handlers, pinning, store
from services.courses.acts import Act, Read
from services.courses.eligibility import handlers as eligibility
from services.courses.examples import EXAMPLES

SERVICE = Service(
    name="courses",
    root=Path(__file__).parent,
    router=api.router,
    reactions={
        **dict.fromkeys(CONTRACT_EVENTS, handlers.on_contract),
        **dict.fromkeys(OFFICE_EVENTS, handlers.on_office),
        ServiceDescriptionPublished: handlers.on_service_description,
        **dict.fromkeys(DECISION_EVENTS, pinning.on_decision),
        ClientEligibilityChanged: eligibility.on_eligibility,
        ClientEligibilityErased: eligibility.on_eligibility_erased,
    },
    timers={
        handlers.BEGIN_COURSE: handlers.begin_course,
        handlers.COMPLETE_COURSE: handlers.complete_course,
    },
    known={
        "contract": partial(copies.find_version, table="contracts", column="contract_id"),
        "office": partial(copies.find_version, table="offices", column="office_id"),
        "service": partial(copies.find_version, table="service_descriptions", column="service"),
        "decision": partial(copies.find_version, table="decisions", column="decision_ref"),
        "course": partial(copies.find_version, table="courses", column="course_id"),
        "legacy-draft": partial(copies.find_version, table="legacy_drafts", column="draft_id"),
        "client-eligibility": partial(copies.find_version, table="client_eligibility", column="client_ref"),
        "pin": store.find_pin_version,
    },
    acts=Act,
    reads=Read,
    examples=EXAMPLES,
    needs=("keys_database_url",),
)
