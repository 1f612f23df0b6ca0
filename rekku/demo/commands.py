"""Each step of the plan as the HTTP command that does it."""

from dataclasses import dataclass, field
from typing import Any

from rekku.demo.providers import PROVIDER_OF
from rekku.demo.reference import SERVICE
from rekku.demo.steps import (
    AnnounceCount,
    ConfirmCourse,
    Decide,
    GiveContact,
    OpenCourse,
    PayPeriod,
    PinClient,
    RevokeDecision,
    SetEstimate,
    SetQuota,
    Step,
)

_TARGET_GROUPS = ["CORONARY", "VALVE_SURGERY", "HEART_FAILURE"]
_FIRST_NUMBER = 1_000_000


@dataclass
class Played:
    """What the services called the things of the plan; `known` are positions by step, as `Rekku-Known`."""

    offices: dict[str, str] = field(default_factory=dict)
    contracts: dict[str, str] = field(default_factory=dict)
    courses: dict[str, str] = field(default_factory=dict)
    decisions: dict[str, str] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)

    def known_after(self, step: Step) -> list[str]:
        """The positions that a step relies on."""
        positions = [self.known[key] for key in step.after if key in self.known]
        if isinstance(step, OpenCourse):
            positions.append(self.known[f"office-{step.contract}"])
        return positions


@dataclass(frozen=True)
class Request:
    """One command; `contract` names the provider who gives it, None means Kela."""

    method: str
    service: str
    path: str
    body: dict[str, Any] | None = None
    contract: str | None = None

    @property
    def provider(self) -> str | None:
        """The business ID of the provider who gives the command."""
        return None if self.contract is None else PROVIDER_OF[self.contract].provider_id


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
        case PinClient():
            body = {"decision_ref": played.decisions[step.decision]}
            return Request("POST", "courses", f"/courses/{played.courses[step.course]}/pins", body, step.contract)
        case ConfirmCourse():
            path = f"/courses/{played.courses[step.course]}/confirmation"
            return Request("POST", "courses", path, None, step.contract)
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
        case OpenCourse():
            return Request("POST", "courses", "/courses", _course(step, played), step.contract)
        case SetEstimate():
            return Request("PUT", "decisions", f"/estimates/{SERVICE}/{step.year}", {"estimate": step.estimate})
        case SetQuota():
            return Request("PUT", "decisions", f"/quotas/{SERVICE}/{step.year}", {"limit": step.limit})
        case _:
            raise TypeError(f"nobody knows how to do {type(step).__name__}")


def _decision(step: Decide, played: Played) -> dict[str, Any]:
    return {
        "application_ref": f"application-{step.key}",
        "client_ref": step.client,
        "contract_id": played.contracts[step.contract],
        "applied_on": str(step.applied_on),
        "outcome": "granted" if step.granted else "rejected",
    }


def _course(step: OpenCourse, played: Played) -> dict[str, Any]:
    return {
        "contract_id": played.contracts[step.contract],
        "office_id": played.offices[step.contract],
        "group_size": step.group_size,
        "age_group": step.age_group,
        "target_groups": _TARGET_GROUPS,
        "periods": [{"first_day": str(first), "last_day": str(last)} for first, last in step.periods],
    }


def _payment(step: PayPeriod, played: Played) -> dict[str, Any]:
    return {
        "course_id": played.courses[step.course],
        "period_number": step.number,
        "decision_refs": [played.decisions[key] for key in step.decisions],
    }
