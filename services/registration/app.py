"""Wiring of the registration service."""

from pathlib import Path

from chassis.service import Service
from contracts.courses import COURSE_EVENTS
from services.registration import api, gauge, starting, store
from services.registration.audits import handlers as audits
from services.registration.reviews import handlers as reviews

SERVICE = Service(
    name="registration",
    root=Path(__file__).parent,
    router=api.router,
    projected=(*gauge.DECISION_EVENTS, *COURSE_EVENTS),
    project=gauge.merge_uses,
    projection_tables=("decisions", "courses"),
    superseding=(gauge.DECISION_EVENTS, COURSE_EVENTS),
    known={"decision": store.known_decision_version, "course": store.known_course_version},
    timers={**audits.TIMERS, **reviews.TIMERS},
    startup=starting.prepare,
)
