"""The rules without IO: stages, answers, averages."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.refusals import Invalid
from contracts.values import DecisionState, PinState, ReleaseReason
from services.notifications.domain import (
    SCORE_UNIT,
    FeedbackRound,
    Invited,
    Stage,
    Template,
    area_of,
    feedback_round,
    masked,
    outdated_by_decision,
    read_answers,
    score_units,
    shown_average,
    tells_client_of_release,
    tells_of_release,
)

respondents = st.lists(
    st.dictionaries(st.integers(1, 19), st.integers(1, 5), min_size=15, max_size=19), min_size=1, max_size=20
)


def test_a_two_period_course_asks_once():
    """E-28, acceptance example 12."""
    paid = feedback_round([], 2, last=True)
    assert paid == FeedbackRound((Stage.SECOND, Stage.LAST), invite=True)


def test_a_three_period_course_asks_after_the_second_and_the_third():
    """R-FBK-1, R-FBK-2, acceptance example 12."""
    assert not feedback_round([], 1, last=False).stages
    assert feedback_round([], 2, last=False) == FeedbackRound((Stage.SECOND,), invite=True)
    assert feedback_round([Invited(Stage.SECOND, 2)], 3, last=True) == FeedbackRound((Stage.LAST,), invite=True)


def test_a_corrected_payment_of_the_same_period_uses_the_stage_up_and_asks_nobody():
    """E-28, E-29: period 2 was paid first, and later turned out to be the last one."""
    assert feedback_round([Invited(Stage.SECOND, 2)], 2, last=True) == FeedbackRound((Stage.LAST,), invite=False)


@given(st.lists(st.tuples(st.integers(1, 6), st.booleans()), max_size=12))
def test_whatever_is_paid_in_whatever_order_nobody_is_asked_more_than_twice(payments):
    """E-28, E-29."""
    invited: list[Invited] = []
    asked: list[int] = []
    for period_number, last in payments:
        paid = feedback_round(invited, period_number, last=last)
        invited += [Invited(stage, period_number) for stage in paid.stages]
        asked += [period_number] if paid.invite else []
    assert len(asked) == len(set(asked)) <= 2
    assert len({entry.stage for entry in invited}) == len(invited)
    assert {entry.period_number for entry in invited} == set(asked)


def test_a_revoked_decision_takes_back_what_was_not_sent():
    """Fan-out of a revocation (section 3)."""
    assert Template.FEEDBACK in outdated_by_decision(DecisionState.REVOKED)
    assert Template.FEEDBACK not in outdated_by_decision(DecisionState.GRANTED)
    assert outdated_by_decision(DecisionState.AWAITING_QUOTA) == (
        Template.FEEDBACK,
        Template.COURSE_CONFIRMED,
        Template.PLACE_MOVED,
    )


def test_fifteen_statements_in_four_areas_and_four_alone():
    """P5."""
    areas = [area_of(number) for number in range(1, 20)]
    assert len({area for area in areas if area}) == 4
    assert areas[:15].count(None) == 0
    assert areas[15:] == [None] * 4


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({str(n): 3 for n in range(1, 15)}, "TOO_FEW_ANSWERS"),
        ({}, "TOO_FEW_ANSWERS"),
        ({str(n): 3 for n in range(1, 21)}, "WRONG_STATEMENT"),
        ({str(n): 3 for n in range(19)}, "WRONG_STATEMENT"),
        ({f"0{n}": 3 for n in range(1, 10)}, "WRONG_STATEMENT"),
        ({"1" * 5000: 3}, "WRONG_STATEMENT"),
        ({str(n): 0 for n in range(1, 20)}, "WRONG_SCORE"),
        ({str(n): 6 for n in range(1, 20)}, "WRONG_SCORE"),
        ({str(n): True for n in range(1, 20)}, "WRONG_SCORE"),
        ({str(n): 2.0 for n in range(1, 20)}, "WRONG_SCORE"),
        ({str(n): "2" for n in range(1, 20)}, "WRONG_SCORE"),
        ({str(n): None for n in range(1, 20)}, "WRONG_SCORE"),
    ],
)
def test_answers_are_whole_numbers_1_to_5_for_at_least_15_of_19(answers, code):
    """R-FBK-3, E-27, E-30."""
    with pytest.raises(Invalid) as refused:
        read_answers(answers)
    assert refused.value.code == code


def test_a_raw_mean_of_1_4_is_shown_as_4_6():
    """E-27, acceptance example 12."""
    answers = [{n: 1 + (n <= 6) for n in range(1, 16)}] * 5  # 9 ones and 6 twos: 21 / 15 = 1.4
    assert shown_average(sum(map(score_units, answers)), 5) == Decimal("4.6")


@settings(deadline=None)
@given(respondents)
def test_the_average_is_the_mean_of_respondents_means_rounded_half_up(all_answers):
    """E-30: computed from exact sums, whatever number of statements each has answered."""
    mean = sum(Fraction(sum(a.values()), len(a)) for a in all_answers) / len(all_answers)
    shown = shown_average(sum(map(score_units, all_answers)), len(all_answers))
    tenths = Decimal((6 - mean).numerator * 10) / Decimal((6 - mean).denominator)
    if tenths % 1 != Decimal("0.5"):
        assert shown == tenths.quantize(Decimal(1), ROUND_HALF_UP) / 10
    assert Fraction(shown) - (6 - mean) <= Fraction(1, 20)
    assert (6 - mean) - Fraction(shown) < Fraction(1, 20)
    assert 1 <= shown <= 5


def test_exactly_half_a_tenth_goes_up():
    """E-30: 6 - 1.75 = 4.25 is shown as 4.3, where rounding to even would say 4.2."""
    assert shown_average(7 * SCORE_UNIT, 4) == Decimal("4.3")
    assert shown_average(SCORE_UNIT, 1) == Decimal("5.0")
    assert shown_average(5 * SCORE_UNIT, 1) == Decimal("1.0")


def test_phone_numbers_are_masked():
    assert "40123" not in masked("+358401234567")


@pytest.mark.parametrize("reason", list(ReleaseReason))
def test_a_pin_that_went_with_its_decision_is_told_of(reason):
    """E-21: a revocation, also one for another provider; what a provider did itself is no news to it."""
    on_notice = reason in (ReleaseReason.DECISION_REVOKED, ReleaseReason.PROVIDER_CHANGED)
    told = on_notice or reason is ReleaseReason.DECISION_ANNULLED
    assert tells_of_release(PinState.RELEASED, reason) is told
    assert tells_client_of_release(reason) is on_notice
    assert not tells_of_release(PinState.MOVED, None)
