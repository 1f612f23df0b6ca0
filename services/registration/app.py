"""Wiring of the registration service."""

from pathlib import Path

from chassis.service import Service
from contracts.courses import COURSE_EVENTS
from services.registration import api, gauge, starting, store
from services.registration.acts import FORMER, Act, Read
from services.registration.audits import handlers as audits
from services.registration.change_requests import handlers as change_requests
from services.registration.counts import handlers as counts
from services.registration.examples import EXAMPLES
from services.registration.registering import handlers as registering
from services.registration.reviews import handlers as reviews

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
        counts.PLAN_DEFAULTS: counts.plan_defaults,
        counts.DEFAULT_COUNT: counts.default_count,
        **audits.TIMERS,
        **reviews.TIMERS,
    },
    superseding=(gauge.DECISION_EVENTS, COURSE_EVENTS),
    known={"decision": store.known_decision_version, "course": store.known_course_version},
    startup=starting.prepare,
    acts=Act,
    reads=Read,
    former_acts=FORMER,
    examples=EXAMPLES,
)
