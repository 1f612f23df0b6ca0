"""The rules of messages and feedback: plain values and pure functions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import lcm

from contracts.refusals import Invalid, Refusal
from contracts.values import CourseState, DecisionState, PinState, ReleaseReason


class Template(StrEnum):
    """The messages this service writes (E-83); the texts are in `messages/`."""

    FEEDBACK = "feedback"
    COURSE_CONFIRMED = "course-confirmed"
    PLACE_RELEASED = "place-released"
    COURSE_NOT_HELD = "course-not-held"
    PLACE_MOVED = "place-moved"
    APPLICATION_WAITS = "application-waits"
    DECISION_RECEIVED = "decision-received"
    CLIENT_UNPINNED = "client-unpinned"
    COURSE_ENDED = "course-ended"
    COUNT_FULL = "count-full"
    QUOTA_IN_USE = "quota-in-use"
    QUOTA_FULL = "quota-full"
    CHANGE_DECIDED = "change-decided"
    AUDIT_FINDING_OPENED = "audit-finding-opened"
    AUDIT_FINDING_DUE = "audit-finding-due"
    AUDIT_FINDING_OVERDUE = "audit-finding-overdue"
    DATA_REVIEW_DUE = "data-review-due"


CLIENT_TEMPLATES = (
    Template.COURSE_CONFIRMED,
    Template.FEEDBACK,
    Template.PLACE_RELEASED,
    Template.COURSE_NOT_HELD,
    Template.PLACE_MOVED,
    Template.APPLICATION_WAITS,
)
"""What clients get by SMS, and what providers may see in advance (R-FBK-8)."""


PLACE_TEMPLATES = (Template.COURSE_CONFIRMED, Template.PLACE_MOVED)
"""What is only true while the client has the place it speaks of."""


NOTICE_TEMPLATES = (
    Template.AUDIT_FINDING_OPENED,
    Template.AUDIT_FINDING_DUE,
    Template.AUDIT_FINDING_OVERDUE,
    Template.DATA_REVIEW_DUE,
)
"""What registration asks us to tell a provider (R-REG-7, R-REG-11); the kind of the notice is the template."""


class MessageState(StrEnum):
    """`waiting` becomes one of the others and stays so."""

    WAITING = "waiting"
    SENT = "sent"
    CANCELLED = "cancelled"
    UNDELIVERABLE = "undeliverable"


def outdated_by_decision(state: DecisionState) -> tuple[Template, ...]:
    """Client messages that must not leave any more now that the decision is in this state."""
    outdated: list[Template] = []
    if state is not DecisionState.AWAITING_QUOTA:
        outdated.append(Template.APPLICATION_WAITS)
    if not may_be_surveyed(state):
        outdated += [Template.FEEDBACK, *PLACE_TEMPLATES]
    return tuple(outdated)


def may_be_surveyed(state: DecisionState) -> bool:
    """A revoked or annulled decision cancels the surveys that were not sent yet (fan-out of section 3)."""
    return state in (DecisionState.GRANTED, DecisionState.USED, DecisionState.EXPIRED)


def tells_of_release(state: PinState, reason: ReleaseReason | None) -> bool:
    """A pin that went with its decision, revoked for another provider's or not, or annulled, is told of (E-21)."""
    return state is PinState.RELEASED and reason in (*_ON_NOTICE, ReleaseReason.DECISION_ANNULLED)


def tells_client_of_release(reason: ReleaseReason | None) -> bool:
    """The client is told of what their own notice did; what was issued in error may not have been theirs (E-7)."""
    return reason in _ON_NOTICE


_ON_NOTICE = (ReleaseReason.DECISION_REVOKED, ReleaseReason.PROVIDER_CHANGED)


_COURSE_IS_OVER = (ReleaseReason.COURSE_DELETED, ReleaseReason.COURSE_CANCELLED, ReleaseReason.DID_NOT_HAPPEN)


def tells_of_ending(state: PinState, reason: ReleaseReason | None) -> bool:
    """A pin that went because its course is not held is told to provider and client (E-15, E-34, E-40)."""
    return state is PinState.RELEASED and reason in _COURSE_IS_OVER


def tells_of_confirmation(course: CourseState | None, *, late: bool) -> bool:
    """A pinned client is told once it is sure that the course takes place (R-CRS-18).

    Of a course that was confirmed `late`, after its start, nobody needs telling (E-40).
    """
    return course in (CourseState.CONFIRMED, CourseState.RUNNING) and not late


# Feedback, first: when a client is asked.


class Stage(StrEnum):
    """The two stages at which a client is asked (R-FBK-1)."""

    SECOND = "second"
    LAST = "last"


@dataclass(frozen=True)
class Invited:
    """A stage that has been used up, and the period whose payment did it."""

    stage: Stage
    period_number: int


@dataclass(frozen=True)
class FeedbackRound:
    """What one payment sets off: the stages it uses up, and whether the client is asked."""

    stages: tuple[Stage, ...]
    invite: bool


def feedback_round(earlier: Iterable[Invited], period_number: int, *, last: bool) -> FeedbackRound:
    """The payment of the second and of the last period each ask once (R-FBK-2, E-29).

    Where both are the same period the stages merge into one invitation (E-28); no stage and no
    period ever asks twice, whatever is paid late, again or corrected.
    """
    earlier = tuple(earlier)
    due = ([Stage.SECOND] if period_number == 2 else []) + ([Stage.LAST] if last else [])
    used = {invited.stage for invited in earlier}
    stages = tuple(stage for stage in due if stage not in used)
    asked = any(invited.period_number == period_number for invited in earlier)
    return FeedbackRound(stages, bool(stages) and not asked)


# Then what a client answers.

STATEMENTS = 19
_STATEMENT_NUMBERS = {str(number): number for number in range(1, STATEMENTS + 1)}
ANSWERS_NEEDED = 15
BEST, WORST = 1, 5
"""1 = fully agree, 5 = fully disagree (E-27)."""


class Area(StrEnum):
    """The four areas of 15 of the statements; the other four stand alone (P5)."""

    MUTUAL_PARTICIPATION = "mutual-participation"
    RAISING_AWARENESS = "raising-awareness"
    GIVING_INFORMATION = "giving-information"
    OPEN_COMMUNICATION = "open-communication"


_AREAS = (
    *(Area.MUTUAL_PARTICIPATION,) * 4,
    *(Area.RAISING_AWARENESS,) * 4,
    *(Area.GIVING_INFORMATION,) * 4,
    *(Area.OPEN_COMMUNICATION,) * 3,
)


def area_of(statement: int) -> Area | None:
    """The area of a statement 1-19; None for the four that stand alone."""
    return _AREAS[statement - 1] if statement <= len(_AREAS) else None


class SurveyClosed(Refusal):
    """The survey was answered already, or its decision was revoked (410)."""

    status = 410

    def __init__(self) -> None:
        super().__init__("SURVEY_CLOSED")


def read_answers(raw: Mapping[str, object]) -> dict[int, int]:
    """Scores 1-5 by statement 1-19, raw as the client gave them.

    Raises:
        Invalid: WRONG_STATEMENT, WRONG_SCORE or TOO_FEW_ANSWERS, never with what was sent.
    """
    answers: dict[int, int] = {}
    for name, score in raw.items():
        if name not in _STATEMENT_NUMBERS:
            raise Invalid("WRONG_STATEMENT", statements=STATEMENTS)
        if type(score) is not int or not BEST <= score <= WORST:
            raise Invalid("WRONG_SCORE", best=BEST, worst=WORST)
        answers[_STATEMENT_NUMBERS[name]] = score
    if len(answers) < ANSWERS_NEEDED:
        raise Invalid("TOO_FEW_ANSWERS", given=len(answers), needed=ANSWERS_NEEDED, statements=STATEMENTS)
    return answers


# And what is published of it.

SCORE_UNIT = lcm(*range(ANSWERS_NEEDED, STATEMENTS + 1))
"""A respondent's score is a whole number of 1/SCORE_UNIT whichever 15-19 statements were answered."""


def score_units(answers: Mapping[int, int]) -> int:
    """A respondent's score, the mean of the statements answered, in exact units (E-30)."""
    units, rest = divmod(sum(answers.values()) * SCORE_UNIT, len(answers))
    if rest:
        raise AssertionError(f"{len(answers)} answers do not divide the score unit")
    return units


def shown_average(sum_units: int, answers: int) -> Decimal:
    """6 minus the mean over respondents, one decimal, half-up, from exact sums (E-27, E-30).

    A raw mean of 1.4 is shown as 4.6. The shown value is positive, so half-up is floor(x + 1/2).
    """
    shown = 6 - Fraction(sum_units, SCORE_UNIT * answers)
    tenths = (shown * 10 + Fraction(1, 2)).__floor__()
    return Decimal(tenths).scaleb(-1)


# Phone numbers.


def masked(phone: str) -> str:
    """A number as it may stand in a log: only its last two digits."""
    return f"•••{phone[-2:]}"
