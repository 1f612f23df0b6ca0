"""The pure rules: identifiers, deadlines, counters, forecasts."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_37_36

from chassis import cleaning
from contracts.identity_codes import TextKind, holds_identity_code
from contracts.refusals import Invalid, Refusal
from contracts.values import CourseState, DecisionState, Language, PinState
from services.decisions import domain, handlers, identifiers
from services.decisions.domain import ClientNotice, Decision, Description, NoticeChannel
from services.decisions.followup.deadlines import confirm_by
from services.decisions.followup.domain import Place, follow_up
from services.decisions.quotas.domain import CountUse, Quota, QuotaStatus
from services.decisions.statistics.domain import complete_months, straight_line

_REFS = st.integers(min_value=0, max_value=2**identifiers.RANDOM_BITS - 1).map(identifiers.decision_ref)


def a_decision(**differences) -> Decision:
    facts: dict[str, Any] = {
        "decision_ref": identifiers.decision_ref(1),
        "application_ref": "application-1",
        "client_ref": "client-1",
        "service": "CARDIAC_ADULT",
        "contract_id": "contract-1",
        "provider_id": "2828286-3",
        "language": Language.FI,
        "state": DecisionState.GRANTED,
        "applied_on": date(2024, 1, 2),
        "decided_on": date(2024, 1, 15),
        "version": 1,
    }
    return Decision(**(facts | differences))


def a_notice(received_on: date = date(2024, 2, 1)) -> ClientNotice:
    return ClientNotice(received_on, NoticeChannel.PHONE)


@given(_REFS)
def test_a_decision_identifier_has_a_valid_iso_7064_check_character(ref):
    """R-DEC-19, E-59."""
    assert mod_37_36.is_valid(ref)
    assert cleaning.decision_ref(ref) == ref
    assert len(ref) == 13


@given(_REFS, st.integers(0, 12), st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
def test_one_mistyped_character_is_found(ref, place, character):
    """E-59: a mistyped decision identifier never hits another client's decision."""
    mistyped = ref[:place] + character + ref[place + 1 :]
    if mistyped == ref:
        return
    with pytest.raises(Invalid, match="DECISION_REF_CHECK_CHARACTER"):
        cleaning.decision_ref(mistyped)


def test_a_decision_identifier_never_reads_like_a_personal_identity_code(monkeypatch):
    """E-59: one that by chance does is not given to anybody."""
    places = {character: place for place, character in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}
    drawn = [
        sum(places[each] << 5 * place for place, each in enumerate(text)) for text in ("X1310523084Z", "7ZK3M9QW2XRT")
    ]
    unlucky, lucky = map(identifiers.decision_ref, drawn)
    assert holds_identity_code(unlucky, TextKind.IDENTIFIER)
    draws = iter(drawn)
    monkeypatch.setattr("secrets.randbits", lambda _: next(draws))
    assert handlers.new_ref() == lucky


@pytest.mark.parametrize(
    ("given_on", "months", "last_day"),
    [
        (date(2024, 8, 31), 6, date(2025, 2, 28)),
        (date(2023, 8, 31), 6, date(2024, 2, 29)),
        (date(2024, 10, 31), 4, date(2025, 2, 28)),
        (date(2024, 2, 29), 6, date(2024, 8, 29)),
    ],
)
def test_the_deadline_is_counted_in_calendar_months(given_on, months, last_day):
    """E-11, R-CRS-19, R-CRS-20; acceptance example 4: the rare-disease and the heart course."""
    assert confirm_by(Description(1, months), given_on) == last_day


@given(st.dates(date(2000, 1, 1), date(2150, 1, 1)), st.integers(1, 24))
def test_a_deadline_has_the_same_day_of_the_month_or_is_its_last_day(day, months):
    """E-11."""
    last_day = confirm_by(Description(1, months), day)
    assert last_day is not None
    assert (last_day.year * 12 + last_day.month) - (day.year * 12 + day.month) == months
    assert last_day.day == day.day or (last_day.day < day.day and (last_day + timedelta(days=1)).day == 1)


def test_without_a_known_number_of_months_there_is_no_deadline():
    """E-13: unknown is unknown."""
    assert confirm_by(Description(1, None), date(2024, 8, 31)) is None


def a_count(announced: int, used: int, *, filled: bool = False) -> CountUse:
    return CountUse("contract-1", "2828286-3", "CARDIAC_ADULT", Language.FI, 2024, announced, used, filled)


@given(st.integers(0, 50), st.integers(0, 50))
def test_what_is_left_of_a_count_is_never_negative(announced, used):
    """E-3: a correction below what is used leaves nothing free and takes nothing away."""
    count = a_count(announced, used)
    assert count.left == max(0, announced - used)
    assert count.full is (used >= announced)


@given(st.integers(1, 30), st.integers(0, 30))
def test_a_count_says_once_that_it_is_full(announced, extra):
    """R-DEC-1."""
    count = a_count(announced, 0)
    for _ in range(announced):
        count = count.with_grants(1)
    assert (count.filled, count.version) == (True, 1)
    raised = count.with_announced(announced + extra)
    assert (raised.filled, raised.version) == (extra == 0, 1 if extra == 0 else 2)


@given(st.none() | st.integers(0, 1000), st.integers(0, 1000), st.booleans(), st.booleans(), st.booleans())
def test_a_quota_stops_new_clients_and_a_suspension_stops_everybody(limit, used, suspended, releasing, new_client):
    """E-51, E-52, E-54: an estimate never blocks, a full quota never stops a change of provider."""
    quota = Quota("S", 2024, estimate=1, limit=limit, used=used, suspended=suspended, releasing=releasing)
    full = limit is not None and used >= limit
    assert quota.admits(new_client=new_client) is (not suspended and not (full and new_client))
    assert quota.must_queue(new_client=new_client) is (suspended or (new_client and (full or releasing)))
    assert quota.remaining is None or quota.remaining >= 0


def test_a_quota_switched_on_below_what_is_used_has_nothing_left():
    """Acceptance example 8, E-52."""
    quota = Quota("CARDIAC_ADULT", 2023, limit=780, used=914)
    assert quota.remaining == 0
    assert not quota.admits(new_client=True)


def test_the_status_of_a_quota_is_news_once():
    """R-DEC-13."""
    quota = Quota("S", 2024, limit=1).with_grants(1)
    assert (quota.status, quota.version) == (QuotaStatus.FULL, 1)
    assert quota.published() == quota


def test_a_revocation_needs_a_grant_and_a_notice_that_has_come():
    """R-DEC-16, E-57."""
    with pytest.raises(Invalid, match="NOTICE_IN_FUTURE"):
        domain.revoke(a_decision(), a_notice(), date(2024, 1, 31))
    revoked = domain.revoke(a_decision(), a_notice(), date(2024, 2, 1))
    assert (revoked.state, revoked.version, revoked.decided_on) == (DecisionState.REVOKED, 2, date(2024, 1, 15))
    with pytest.raises(Refusal, match="ALREADY_REVOKED"):
        domain.revoke(revoked, a_notice(), date(2024, 2, 1))
    with pytest.raises(Refusal, match="NOT_GRANTED"):
        domain.revoke(a_decision(state=DecisionState.REJECTED), a_notice(), date(2024, 2, 1))


@pytest.mark.parametrize("state", [s for s in DecisionState if s not in ("pending", "awaiting_quota")])
def test_only_what_waits_can_be_rejected_or_withdrawn(state):
    """E-54, section 7."""
    with pytest.raises(Refusal, match="NOT_WAITING"):
        domain.reject(a_decision(state=state), date(2024, 2, 1))
    with pytest.raises(Refusal, match="NOT_WAITING"):
        domain.withdraw(a_decision(state=state), a_notice(), date(2024, 2, 1))


@pytest.mark.parametrize(
    ("decision", "pin", "pinned_to", "confirmed", "still_open"),
    [
        (DecisionState.GRANTED, None, None, False, True),
        (DecisionState.GRANTED, (PinState.ACTIVE, None), "c", False, True),
        (DecisionState.GRANTED, (PinState.ACTIVE, CourseState.PUBLISHED), "c", False, True),
        (DecisionState.GRANTED, (PinState.ACTIVE, CourseState.CONFIRMED), "c", True, False),
        (DecisionState.GRANTED, (PinState.RELEASED, CourseState.CONFIRMED), None, False, True),
        (DecisionState.GRANTED, (PinState.FULFILLED, None), "c", True, False),
        (DecisionState.REVOKED, (PinState.RELEASED, CourseState.CONFIRMED), None, False, False),
        (DecisionState.REVOKED, None, None, False, False),
    ],
)
def test_the_follow_up_is_open_until_the_client_is_on_a_confirmed_course(
    decision, pin, pinned_to, confirmed, still_open
):
    """R-CRS-19, R-CRS-21, E-21: a revocation closes it."""
    found = follow_up(a_decision(state=decision), pin and Place("c", *pin))
    assert (found.pinned_to, found.confirmed, found.open) == (pinned_to, confirmed, still_open)


@given(st.lists(st.integers(0, 5000), min_size=12, max_size=12))
def test_the_straight_line_of_a_whole_year_is_the_year(months):
    """E-56."""
    assert straight_line(months, 12) == sum(months)
    assert straight_line(months, 0) is None


@pytest.mark.parametrize(
    ("on", "complete"),
    [
        (date(2023, 12, 31), 0),
        (date(2024, 1, 31), 0),
        (date(2024, 8, 31), 7),
        (date(2024, 9, 1), 8),
        (date(2025, 1, 1), 12),
    ],
)
def test_only_months_that_are_over_are_complete(on, complete):
    """E-56."""
    assert complete_months(2024, on) == complete
