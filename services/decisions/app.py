"""Wiring of the decisions service."""

from pathlib import Path

from chassis.service import Service
from contracts.courses import COURSE_EVENTS, PIN_EVENTS
from contracts.decisions import DecisionsSuspended, SuspensionLifted
from contracts.registration import CONTRACT_EVENTS, OFFICE_EVENTS, RegistrationChanged, ServiceDescriptionPublished
from services.decisions import api
from services.decisions.acts import FORMER, Act, Read
from services.decisions.copies import handlers as copies
from services.decisions.copies import store as copied
from services.decisions.examples import EXAMPLES
from services.decisions.quotas import handlers as quotas
from services.decisions.quotas import release
from services.decisions.reconciling import handlers as reconciling
from services.decisions.reviewing import handlers as reviewing
from services.decisions.starting import prepare

SERVICE = Service(
    name="decisions",
    root=Path(__file__).parent,
    router=api.router,
    reactions={
        **dict.fromkeys(CONTRACT_EVENTS, copies.on_contract),
        ServiceDescriptionPublished: copies.on_service_description,
        DecisionsSuspended: quotas.on_suspended,
        SuspensionLifted: quotas.on_lifted,
    },
    projected=(*COURSE_EVENTS, *PIN_EVENTS, *OFFICE_EVENTS, RegistrationChanged),
    project=copies.copy_courses_pins_and_offices,
    projection_tables=("courses", "pins", "course_ages", "offices", "offerings"),
    # Pins do not supersede one another: each event speaks of one course, and the last word on each course is kept.
    superseding=(COURSE_EVENTS, OFFICE_EVENTS),
    timers={
        release.TIMER: release.release_queue,
        quotas.REVIEW_TIMER: quotas.review_quota,
        reconciling.TIMER: reconciling.look,
        reviewing.TIMER: reviewing.review_decisions,
    },
    known={
        "contract": copied.known_contract,
        "service": copied.known_service,
        "course": copied.known_course,
        "pin": copied.known_pin,
    },
    acts=Act,
    reads=Read,
    former_acts=FORMER,
    examples=EXAMPLES,
    startup=prepare,
    needs=("keys_database_url",),
)
