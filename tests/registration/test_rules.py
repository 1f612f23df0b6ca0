"""The rules alone: no database, no clock."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.refusals import Forbidden, Invalid, NotFound, Refusal
from contracts.values import CourseState, DecisionState, Language
from services.registration import domain
from tests.registration.builders import OURS, THEIRS, a_contract, an_offer

DAYS = st.dates(date(2022, 1, 1), date(2026, 12, 31))


def refusal_of(act) -> Refusal:
    with pytest.raises(Refusal) as refused:
        act()
    return refused.value


def test_a_first_announcement_for_this_year_is_open_all_year():
    """R-REG-8: a contract that begins in December still announces its year."""
    announced = domain.announce(a_contract(), 2024, 24, on=date(2024, 12, 31))
    assert announced.counts == {2024: 24}
    assert announced.version == 2


@pytest.mark.parametrize("day", [date(2024, 1, 1), date(2024, 10, 31)])
def test_next_year_is_announced_from_the_first_of_january_to_the_last_of_october(day):
    """R-REG-8, P1: both ends of the window belong to it."""
    assert domain.announce(a_contract(), 2025, 20, on=day).counts == {2025: 20}


@pytest.mark.parametrize("day", [date(2024, 11, 1), date(2024, 12, 31)])
def test_next_year_cannot_be_announced_after_october(day):
    """R-REG-8, E-2: from 1 November the first announcement is too late."""
    refusal = refusal_of(lambda: domain.announce(a_contract(), 2025, 20, on=day))
    assert refusal.code == "WINDOW_CLOSED"
    assert refusal.values == {"year": 2025, "closed_on": date(2024, 10, 31)}


def test_next_years_count_is_raised_after_the_window_too():
    """R-REG-9, P1: a raise is possible at any time."""
    announced = a_contract(counts={2025: 20})
    assert domain.announce(announced, 2025, 26, on=date(2024, 12, 31)).counts == {2025: 26}


@pytest.mark.parametrize("year", [2023, 2026])
def test_only_this_year_and_the_next_are_open(year):
    """R-REG-8: earlier and later years are refused with the two that are open."""
    refusal = refusal_of(lambda: domain.announce(a_contract(), year, 20, on=date(2024, 6, 1)))
    assert refusal.code == "YEAR_NOT_OPEN"
    assert refusal.values == {"year": year, "this_year": 2024, "next_year": 2025}


def test_a_count_is_never_lowered():
    """E-3: raised only; the refusal says what stands and what was wanted."""
    refusal = refusal_of(lambda: domain.announce(a_contract(counts={2024: 24}), 2024, 23, on=date(2024, 6, 1)))
    assert (refusal.code, refusal.values) == ("COUNT_ONLY_RAISED", {"current": 24, "wanted": 23})


def test_zero_may_be_announced_and_raised_later():
    """E-3: zero is a count, not the absence of one."""
    none_taken = domain.announce(a_contract(), 2024, 0, on=date(2024, 6, 1))
    assert none_taken.counts == {2024: 0}
    assert domain.announce(none_taken, 2024, 3, on=date(2024, 6, 2)).counts == {2024: 3}


def test_the_same_count_again_changes_nothing():
    """E-23: a repeated command is a success without a new version."""
    contract = a_contract(counts={2024: 24})
    assert domain.announce(contract, 2024, 24, on=date(2024, 6, 1)) is contract


@pytest.mark.parametrize(
    "validity", [{"valid_from": date(2025, 1, 1)}, {"valid_from": date(2022, 1, 1), "valid_to": date(2023, 12, 31)}]
)
def test_a_contract_has_no_count_in_a_year_it_is_not_in_force(validity):
    """E-45: an ended or future contract takes no clients that year."""
    refusal = refusal_of(lambda: domain.announce(a_contract(**validity), 2024, 5, on=date(2024, 6, 1)))
    assert refusal.code == "CONTRACT_NOT_IN_FORCE"
    assert refusal.values["year"] == 2024


@given(st.lists(st.tuples(DAYS, st.integers(-1, 2), st.integers(0, 40)), max_size=30))
def test_whatever_is_announced_no_count_ever_falls_and_every_change_is_one_version(steps):
    """E-3, R-REG-9, over any sequence of days, years and counts."""
    contract = a_contract()
    for day, years_ahead, count in steps:
        before = contract
        try:
            contract = domain.announce(before, day.year + years_ahead, count, on=day)
        except Refusal:
            assert contract is before
            continue
        assert contract.version - before.version == (contract.counts != before.counts)
        assert contract.counts[day.year + years_ahead] == count
        assert all(contract.counts[year] >= counted for year, counted in before.counts.items())


@given(
    st.dictionaries(st.integers(2022, 2026), st.integers(0, 50)),
    st.dictionaries(st.integers(2022, 2026), st.integers(0, 90)),
    st.dictionaries(st.integers(2022, 2026), st.integers(0, 90)),
)
def test_the_gauge_keeps_two_ledgers_and_neither_is_ever_negative(counts, decisions, places):
    """E-1, E-3: decisions and places are counted against the same number, never added together."""
    gauges = domain.gauges(counts, decisions, places)
    assert [each.year for each in gauges] == sorted({*counts, *decisions, *places})
    for each in gauges:
        announced = each.announced or 0
        assert each.decisions_left == max(0, announced - decisions.get(each.year, 0))
        assert each.places_left == max(0, announced - places.get(each.year, 0))


def test_a_december_decision_and_a_march_course_use_two_different_years():
    """E-1: one decision of 2025 and one place of 2026."""
    first, second = domain.gauges({2025: 10, 2026: 12}, {2025: 1}, {2026: 8})
    assert (first.decisions_left, first.places_left) == (9, 10)
    assert (second.decisions_left, second.places_left) == (12, 4)


@pytest.mark.parametrize("state", list(DecisionState))
def test_a_grant_once_issued_uses_the_count_unless_it_was_annulled(state):
    """E-7, R-DEC-7: revoked, used and expired grants still count; what was never granted does not."""
    counted = {DecisionState.GRANTED, DecisionState.REVOKED, DecisionState.EXPIRED, DecisionState.USED}
    assert domain.uses_count(state) is (state in counted)


@pytest.mark.parametrize("state", list(CourseState))
def test_only_deleting_a_course_frees_its_places(state):
    """R-CRS-37."""
    assert domain.places_of(state, 8) == (0 if state is CourseState.DELETED else 8)
    assert domain.places_of(state, 8, held=False) == 0


def test_a_provider_registers_itself_and_an_officer_anybody():
    """The token's provider decides, not the body."""
    domain.act_for(OURS, OURS)
    domain.act_for(None, OURS)
    with pytest.raises(Forbidden, match="OTHER_PROVIDER"):
        domain.act_for(THEIRS, OURS)


@pytest.mark.parametrize(("dissolved", "merged_into"), [("588", "507"), ("099", "214"), ("911", "541")])
def test_a_dissolved_municipality_is_refused_with_the_one_it_merged_into(dissolved, merged_into):
    """E-48 and section 9: Pertunmaa, Honkajoki and Valtimo are gone."""
    with pytest.raises(Invalid) as refused:
        domain.require_of_today(dissolved)
    assert refused.value.values == {"reason": "dissolved", "merged_into": merged_into}
    domain.require_of_today(merged_into)


def test_an_unknown_municipality_is_refused():
    """P3: every office stands in a real municipality."""
    with pytest.raises(Invalid) as refused:
        domain.require_of_today("000")
    assert refused.value.values == {"reason": "unknown"}


def contract_from(offers, **differences):
    return domain.contract_for(
        offers,
        **{
            "contract_id": "contract-1",
            "provider_id": OURS,
            "service": "CARDIAC_ADULT",
            "language": Language.FI,
            "valid_from": date(2022, 1, 1),
            "valid_to": None,
            **differences,
        },
    )


def test_a_contract_is_in_a_language_the_service_is_offered_in():
    """E-4, R-DEC-22: the refusal says which languages there are."""
    refusal = refusal_of(lambda: contract_from([an_offer(languages=(Language.FI,))], language=Language.SV))
    assert (refusal.code, refusal.values) == ("LANGUAGE_NOT_OFFERED", {"language": "sv", "offered": "fi"})


def test_the_description_in_force_on_the_contracts_first_day_decides():
    """E-13: a later version may offer another language."""
    offers = [
        an_offer(languages=(Language.FI,), valid_to=date(2023, 12, 31)),
        an_offer(valid_from=date(2024, 1, 1)),
    ]
    assert refusal_of(lambda: contract_from(offers, language=Language.SV)).code == "LANGUAGE_NOT_OFFERED"
    swedish = contract_from(offers, language=Language.SV, valid_from=date(2024, 1, 1))
    assert swedish.language is Language.SV


def test_a_contract_cannot_begin_before_its_service_is_described():
    """R-REG-13: the refusal says when the first description opens."""
    refusal = refusal_of(lambda: contract_from([an_offer()], valid_from=date(2021, 3, 31)))
    assert (refusal.code, refusal.values) == ("SERVICE_NOT_OPEN", {"opens_on": date(2021, 4, 1)})


def test_a_service_without_a_description_does_not_exist():
    """R-REG-13: the catalogue is the descriptions."""
    with pytest.raises(NotFound, match="SERVICE_UNKNOWN"):
        contract_from([])


@given(DAYS, st.integers(-400, 400))
def test_a_contract_never_ends_before_it_begins(first_day, days):
    """A contract of one day is the shortest."""
    last_day = first_day + timedelta(days=days)
    if days < 0:
        with pytest.raises(Invalid, match="VALIDITY_INVERTED"):
            contract_from([an_offer()], valid_from=first_day, valid_to=last_day)
    else:
        assert contract_from([an_offer()], valid_from=first_day, valid_to=last_day).valid_to == last_day
