"""What providers do with courses and clients, as HTTP commands."""

from datetime import date
from typing import Any

from rekku.demo.played import Played, Request
from rekku.demo.steps import (
    CloseAsNotHeld,
    ConfirmCourse,
    ConfirmLate,
    CourseStep,
    DeleteCourse,
    GrowGroup,
    MoveClient,
    MoveCourse,
    NoteParticipation,
    OpenCourse,
    PinClient,
    Step,
    TryDeletion,
)

_TARGET_GROUPS = ["CORONARY", "VALVE_SURGERY", "HEART_FAILURE"]


def course_request_of(step: Step, played: Played) -> Request:
    """The command of a step at the courses service.

    Raises:
        TypeError: the step is of an unknown kind.
    """
    match step:
        case OpenCourse():
            return Request("POST", "courses", "/courses", _course(step, played), step.contract)
        case PinClient():
            return _to(step, "POST", "/pins", {"decision_ref": played.decisions[step.decision]}, played)
        case NoteParticipation():
            body = {"attended": list(step.attended), "missed": []}
            return _to(step, "PUT", f"/pins/{played.decisions[step.decision]}/participation", body, played)
        case MoveClient():
            return _to(step, "POST", f"/pins/{played.decisions[step.decision]}/move", _move(step, played), played)
        case GrowGroup():
            return _to(step, "PUT", "/group-size", {"group_size": step.group_size}, played)
        case MoveCourse():
            return _to(step, "PUT", "/periods", _dates(step, played), played)
        case _:
            return _outcome_request_of(step, played)


def _outcome_request_of(step: Step, played: Played) -> Request:
    match step:
        case ConfirmCourse():
            return _to(step, "POST", "/confirmation", None, played)
        case ConfirmLate():
            return _to(step, "POST", "/late-confirmation", {}, played)
        case DeleteCourse():
            return _to(step, "POST", "/deletion", _end(step, played), played)
        case TryDeletion():
            return _to(step, "POST", "/deletion", {}, played)
        case CloseAsNotHeld():
            return _to(step, "POST", "/did-not-happen", {"reason": step.reason}, played)
        case _:
            raise TypeError(f"nobody knows how to do {type(step).__name__}")


def _to(step: CourseStep, method: str, what: str, body: dict[str, Any] | None, played: Played) -> Request:
    return Request(method, "courses", f"/courses/{played.courses[step.course]}{what}", body, step.contract)


def to_course(course_id: str, agreed_on: date) -> dict[str, Any]:
    """Where a client of a deleted course goes, with the client's consent to it (R-CRS-28)."""
    return {"to_course_id": course_id, "consent": agreement(agreed_on)}


def agreement(day: date) -> dict[str, str]:
    """A client's consent, given by phone on the day."""
    return {"given_on": str(day), "by": "client", "channel": "phone"}


def _course(step: OpenCourse, played: Played) -> dict[str, Any]:
    return {
        "contract_id": played.contracts[step.contract],
        "office_id": played.offices[step.contract],
        "group_size": step.group_size,
        "age_group": step.age_group,
        "target_groups": _TARGET_GROUPS,
        "periods": _periods(step.periods),
    }


def _periods(periods: tuple[tuple[date, date], ...]) -> list[dict[str, str]]:
    return [{"first_day": str(first), "last_day": str(last)} for first, last in periods]


def _dates(step: MoveCourse, played: Played) -> dict[str, Any]:
    consents = [{"decision_ref": played.decisions[key], **agreement(step.day)} for key in step.decisions]
    return {"periods": _periods(step.periods), "consents": consents, "reason": step.reason}


def _move(step: MoveClient, played: Played) -> dict[str, Any]:
    return {"to_course_id": played.courses[step.to_course], "consent": agreement(step.day), "reason": step.reason}


def _end(step: DeleteCourse, played: Played) -> dict[str, Any]:
    transfers = {played.decisions[key]: to_course(played.courses[course], step.day) for key, course in step.transfers}
    return {"reason": step.reason, "transfers": transfers}
