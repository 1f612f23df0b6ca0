"""Wiring of the notifications service."""

from pathlib import Path

from chassis.service import Service
from contracts import courses, decisions, registration
from services.notifications import api, copies, feedback, handlers
from services.notifications.acts import FORMER, Act, Read
from services.notifications.batches import handlers as batches
from services.notifications.delivery import deliver_messages
from services.notifications.erasing import handlers as erasing
from services.notifications.links import SurveyLinks

SERVICE = Service(
    name="notifications",
    root=Path(__file__).parent,
    router=api.router,
    reactions={
        registration.ServiceDescriptionPublished: handlers.on_service_description,
        **dict.fromkeys(registration.CONTRACT_EVENTS, handlers.on_contract),
        registration.ChangeRequestDecided: handlers.on_change_decided,
        registration.NoticeGiven: handlers.on_notice,
        decisions.ClientContactChanged: handlers.on_client_contact,
        decisions.ClientContactErased: erasing.on_client_contact_erased,
        **dict.fromkeys(decisions.DECISION_EVENTS, handlers.on_decision),
        **dict.fromkeys(courses.COURSE_EVENTS, handlers.on_course),
        **dict.fromkeys(courses.PIN_EVENTS, handlers.on_pin),
        decisions.EstimateSet: handlers.on_quota,
        decisions.QuotaSet: handlers.on_quota,
        decisions.QuotaFilled: handlers.on_quota,
        decisions.QuotaReopened: handlers.on_quota,
        decisions.AnnouncedCountFilled: handlers.on_count_use,
        decisions.AnnouncedCountReopened: handlers.on_count_use,
        decisions.PeriodPaid: feedback.on_period_paid,
    },
    timers={
        batches.OPEN: batches.open_batch,
        batches.ERASE: batches.erase_key,
        batches.ANEW: batches.seal_anew,
        batches.FEW: batches.seal_few,
    },
    known={
        "decision": copies.find_decision_version,
        "pin": copies.find_pin_version,
        "course": copies.find_course_version,
    },
    acts=Act,
    reads=Read,
    former_acts=FORMER,
    workers=(deliver_messages,),
    needs=("keys_database_url", "secret"),
    check=SurveyLinks,
)
