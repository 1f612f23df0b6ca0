"""The rules of concerns: open, in discussion, closed. None of them changes a decision."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from contracts.refusals import Invalid, Refusal
from contracts.values import DecisionState
from services.decisions.domain import ClientNotice, Decision, GivenBy


class Reason(StrEnum):
    """What the provider doubts (R-DEC-17)."""

    APPROPRIATENESS = "appropriateness"
    TIMELINESS = "timeliness"
    OTHER = "other"


class ConcernState(StrEnum):
    """How far a concern has come."""

    OPEN = "open"
    IN_DISCUSSION = "in_discussion"
    CLOSED = "closed"


class ConcernOutcome(StrEnum):
    """What came of speaking with the client (R-DEC-17)."""

    CONTINUE = "continue"
    REVOKE = "revoke"
    OTHER_SUPPORT = "other_support"


@dataclass(frozen=True, slots=True)
class Concern:
    """A provider's concern about its own client's decision; its words are sealed. `version` counts its changes."""

    concern_id: str
    decision_ref: str
    client_ref: str
    provider_id: str
    service: str
    reason: Reason
    sealed_words: str
    state: ConcernState
    filed_at: datetime
    filed_by: str
    discussed_on: date | None = None
    discussed_with: GivenBy | None = None
    outcome: ConcernOutcome | None = None
    closed_on: date | None = None
    closed_by: str | None = None
    version: int = 1


def check_in_force(decision: Decision) -> None:
    """A concern is about a decision that is in force, and so is the outcome that it goes on.

    Raises:
        Refusal: DECISION_NOT_IN_FORCE.
    """
    if decision.state is not DecisionState.GRANTED:
        raise Refusal("DECISION_NOT_IN_FORCE", state=decision.state)


def discuss(concern: Concern, spoken_on: date, spoken_with: GivenBy, on: date) -> Concern:
    """Kela has begun to speak with the client or the guardian (R-DEC-17, E-58).

    Raises:
        Refusal: CONCERN_CLOSED or CONCERN_IN_DISCUSSION.
        Invalid: DISCUSSION_DAY_INVALID.
    """
    if concern.state is ConcernState.CLOSED:
        raise Refusal("CONCERN_CLOSED", outcome=concern.outcome)
    if concern.state is ConcernState.IN_DISCUSSION:
        raise Refusal("CONCERN_IN_DISCUSSION", discussed_on=concern.discussed_on)
    if spoken_on > on:
        raise Invalid("DISCUSSION_DAY_INVALID", today=on)
    return replace(
        concern,
        state=ConcernState.IN_DISCUSSION,
        discussed_on=spoken_on,
        discussed_with=spoken_with,
        version=concern.version + 1,
    )


def close(concern: Concern, outcome: ConcernOutcome, by: str, on: date) -> Concern:
    """The concern ends, once Kela has spoken with the client.

    Raises:
        Refusal: CONCERN_CLOSED or CONCERN_NOT_DISCUSSED.
    """
    if concern.state is ConcernState.CLOSED:
        raise Refusal("CONCERN_CLOSED", outcome=concern.outcome)
    if concern.state is ConcernState.OPEN:
        raise Refusal("CONCERN_NOT_DISCUSSED")
    return replace(
        concern,
        state=ConcernState.CLOSED,
        outcome=outcome,
        closed_on=on,
        closed_by=by,
        version=concern.version + 1,
    )


def required_notice(outcome: ConcernOutcome, notice: ClientNotice | None) -> ClientNotice | None:
    """The client's own notice, which a revocation needs and nothing else takes (R-DEC-16, E-57).

    Raises:
        Invalid: CLIENT_NOTICE_REQUIRED or CLIENT_NOTICE_NOT_USED.
    """
    if outcome is ConcernOutcome.REVOKE and notice is None:
        raise Invalid("CLIENT_NOTICE_REQUIRED")
    if outcome is not ConcernOutcome.REVOKE and notice is not None:
        raise Invalid("CLIENT_NOTICE_NOT_USED")
    return notice
