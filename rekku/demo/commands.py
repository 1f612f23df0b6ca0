"""Each step of the plan as the HTTP command that does it."""

from typing import Any

from rekku.demo.billing import BILLED, Form
from rekku.demo.course_commands import course_request_of
from rekku.demo.invoices import finvoice, settlement
from rekku.demo.played import Played, Request
from rekku.demo.reference import SERVICE
from rekku.demo.steps import (
    AcceptSettlement,
    AnnounceCount,
    BillPeriod,
    Decide,
    GiveContact,
    PayPeriod,
    RevokeDecision,
    SetEstimate,
    SetPrices,
    SetQuota,
    Step,
)

_FIRST_NUMBER = 1_000_000


def phone_of(client: str) -> str:
    """The invented mobile number of a client of the plan, `client-0042`."""
    return f"+35850{_FIRST_NUMBER + int(client.rsplit('-', 1)[1])}"


def client_of(phone: str) -> str:
    """The client with this number."""
    return f"client-{int(phone.removeprefix('+35850')) - _FIRST_NUMBER:04}"


def request_of(step: Step, played: Played) -> Request:
    """The command of a step, with the names the services gave.

    Raises:
        TypeError: the step is of an unknown kind.
    """
    match step:
        case GiveContact():
            body: dict[str, Any] = {"phone": phone_of(step.client), "language": step.language}
            return Request("PUT", "decisions", f"/client-contacts/{step.client}", body)
        case Decide():
            return Request("POST", "decisions", "/decisions", _decision(step, played))
        case PayPeriod():
            return Request("POST", "decisions", "/payments", _payment(step, played))
        case RevokeDecision():
            body = {"client_notice": {"received_on": str(step.day), "channel": "phone"}}
            return Request("POST", "decisions", f"/decisions/{played.decisions[step.decision]}/revocation", body)
        case _:
            return _yearly_request_of(step, played)


def _yearly_request_of(step: Step, played: Played) -> Request:
    match step:
        case AnnounceCount():
            path = f"/contracts/{played.contracts[step.contract]}/announced-counts/{step.year}"
            return Request("PUT", "registration", path, {"count": step.count}, step.contract)
        case SetEstimate():
            return Request("PUT", "decisions", f"/estimates/{SERVICE}/{step.year}", {"estimate": step.estimate})
        case SetQuota():
            return Request("PUT", "decisions", f"/quotas/{SERVICE}/{step.year}", {"limit": step.limit})
        case _:
            return _billing_request_of(step, played)


def _billing_request_of(step: Step, played: Played) -> Request:
    match step:
        case SetPrices():
            price = {"mode": "face_to_face", "unit": "day", "price": str(step.price)}
            path = f"/contracts/{played.contracts[step.contract]}/price-annexes"
            return Request("POST", "decisions", path, {"valid_from": str(step.day), "prices": [price]})
        case BillPeriod():
            form = settlement(step, played)
            if BILLED[step.contract] is Form.FINVOICE:
                return Request("POST", "decisions", "/settlements/finvoice", finvoice(form), step.contract)
            return Request("POST", "decisions", "/settlements", form, step.contract)
        case AcceptSettlement():
            path = f"/settlements/{played.settlements[step.settlement]}/acceptance"
            return Request("POST", "decisions", path)
        case _:
            return course_request_of(step, played)


def _decision(step: Decide, played: Played) -> dict[str, Any]:
    return {
        "application_ref": f"application-{step.key}",
        "client_ref": step.client,
        "contract_id": played.contracts[step.contract],
        "applied_on": str(step.applied_on),
        "outcome": "granted" if step.granted else "rejected",
    }


def _payment(step: PayPeriod, played: Played) -> dict[str, Any]:
    return {
        "course_id": played.courses[step.course],
        "period_number": step.number,
        "decision_refs": [played.decisions[key] for key in step.decisions],
    }
