"""Wiring of the registration service."""

from pathlib import Path

from chassis.db import Transaction
from chassis.service import Service
from contracts.courses import COURSE_EVENTS
from services.registration import api, descriptions, gauge, store
from services.registration.change_requests import handlers as change_requests
from services.registration.counts import handlers as counts
from services.registration.registering import handlers as registering


async def start_up(tx: Transaction) -> None:
    """Publish descriptions that changed; plan the yearly timer of the counts where it is not."""
    await descriptions.load_descriptions(tx)
    await counts.plan_first_defaults(tx)


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
    },
    superseding=(gauge.DECISION_EVENTS, COURSE_EVENTS),
    known={"decision": store.known_decision_version, "course": store.known_course_version},
    startup=start_up,
)
