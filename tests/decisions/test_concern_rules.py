"""The rules of concerns and of planned periods: pure functions, whatever comes in whatever order."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.refusals import Invalid, Refusal
from contracts.values import CourseState, DecisionState, DeliveryMode, PinState
from services.decisions.concerns import domain
from services.decisions.concerns.domain import Concern, ConcernOutcome, ConcernState, Reason
from services.decisions.domain import GivenBy
from services.decisions.planned.domain import Period, Stay, path
from tests.decisions.test_rules import a_decision, a_notice

TODAY = date(2024, 2, 1)
A_CONCERN = Concern(
    concern_id="concern-1",
    decision_ref="decision-1",
    client_ref="client-1",
    provider_id="2828286-3",
    service="CARDIAC_ADULT",
    reason=Reason.TIMELINESS,
    sealed_words="sealed",
    state=ConcernState.OPEN,
    filed_at=datetime(2024, 1, 15, tzinfo=UTC),
    filed_by="worker-1",
)
STEPS = st.lists(st.just("discuss") | st.sampled_from(ConcernOutcome), max_size=6)


@given(STEPS)
def test_a_concern_ends_once_and_only_after_the_client_was_heard(steps):
    """R-DEC-17: open, in discussion, closed; every other step is refused and changes nothing."""
    concern = A_CONCERN
    for step in steps:
        allowed = concern.state is (ConcernState.OPEN if step == "discuss" else ConcernState.IN_DISCUSSION)
        try:
            if step == "discuss":
                after = domain.discuss(concern, TODAY, GivenBy.GUARDIAN, TODAY)
            else:
                after = domain.close(concern, step, "officer-1", TODAY)
        except Refusal:
            assert not allowed
            continue
        assert allowed
        assert after.version == concern.version + 1
        assert (after.outcome is not None) is (after.state is ConcernState.CLOSED)
        assert after.discussed_with is GivenBy.GUARDIAN
        concern = after
    assert concern.version <= 3


@given(st.sampled_from(ConcernOutcome), st.booleans())
def test_a_notice_comes_with_a_revocation_and_with_nothing_else(outcome, noticed):
    """R-DEC-16, E-57."""
    notice = a_notice() if noticed else None
    if (outcome is ConcernOutcome.REVOKE) is noticed:
        assert domain.required_notice(outcome, notice) is notice
    else:
        with pytest.raises(Invalid, match="CLIENT_NOTICE"):
            domain.required_notice(outcome, notice)


@given(st.sampled_from(DecisionState))
def test_only_a_granted_decision_is_in_force(state):
    """R-DEC-17."""
    decision = a_decision(state=state)
    if state is DecisionState.GRANTED:
        domain.check_in_force(decision)
    else:
        with pytest.raises(Refusal, match="DECISION_NOT_IN_FORCE"):
            domain.check_in_force(decision)


NUMBERS = st.lists(st.integers(1, 3), unique=True, max_size=3).map(tuple)
PERIODS = tuple(
    Period(number, date(2024, number, 1), date(2024, number, 5) + timedelta(days=number), DeliveryMode.ONLINE)
    for number in (1, 2, 3)
)


@st.composite
def ways(draw):
    """A client's stays on up to four courses."""
    return [
        Stay(
            course_id=f"course-{nth}",
            provider_id="2828286-3",
            office_id="office-1",
            pin_state=draw(st.sampled_from(PinState)),
            course_state=draw(st.sampled_from(CourseState)),
            planned=draw(st.none() | NUMBERS),
            attended=draw(NUMBERS),
            periods=PERIODS,
        )
        for nth in range(draw(st.integers(0, 4)))
    ]


@given(ways())
def test_what_a_client_attended_stays_and_the_rest_is_planned_only_where_it_will_happen(stays):
    """R-CRS-12, E-20, E-34: each period once, by its days."""
    found = path(stays)
    by_course = {stay.course_id: stay for stay in stays}
    assert len({(period.course_id, period.number) for period in found}) == len(found)
    assert [period.last_day for period in found] == sorted(period.last_day for period in found)
    for stay in stays:
        shown = {period.number for period in found if period.course_id == stay.course_id}
        assert set(stay.attended) <= shown
    for period in found:
        stay = by_course[period.course_id]
        assert period.attended is (period.number in stay.attended)
        if not period.attended:
            assert stay.pin_state in (PinState.ACTIVE, PinState.FULFILLED)
            assert stay.course_state not in (CourseState.DELETED, CourseState.CANCELLED)
            assert stay.planned is None or period.number in stay.planned
