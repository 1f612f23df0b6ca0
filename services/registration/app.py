"""Wiring of the registration service."""

from pathlib import Path

from chassis.service import Service
from contracts.courses import COURSE_EVENTS
from services.registration import api, descriptions, gauge, store
from services.registration.change_requests import handlers as change_requests
from services.registration.registering import handlers as registering

SERVICE = Service(
    name="registration",
    root=Path(__file__).parent,
    router=api.router,
    projected=(*gauge.DECISION_EVENTS, *COURSE_EVENTS),
    project=gauge.merge_uses,
    projection_tables=("decisions", "courses"),
    timers={
        change_requests.APPLY_CHANGE: change_requests.apply_change,
        registering.END_REGISTRATION: registering.finish_registration,
    },
    superseding=(gauge.DECISION_EVENTS, COURSE_EVENTS),
    known={"decision": store.known_decision_version, "course": store.known_course_version},
    startup=descriptions.load_descriptions,
)
