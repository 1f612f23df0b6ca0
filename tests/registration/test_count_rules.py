"""The rules of a count's history alone: no database, no clock."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.refusals import Invalid, Refusal
from contracts.values import CountChange
from services.registration.counts import domain
from services.registration.counts.domain import Revision
from services.registration.counts.handlers import as_of, due_at
from services.registration.ending.domain import end
from tests.registration.builders import a_contract

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
HOURS = st.integers(0, 400)


def at(hours: int) -> datetime:
    return EPOCH + timedelta(hours=hours)


def an_entry(revision: int = 1, count: int = 20, **differences) -> Revision:
    effective_at = differences.pop("effective_at", at(revision))
    return Revision(
        **{
            "year": 2024,
            "revision": revision,
            "count": count,
            "kind": CountChange.ANNOUNCED,
            "effective_at": effective_at,
            "recorded_at": effective_at,
            "recorded_by": "worker",
            **differences,
        }
    )


@st.composite
def histories(draw) -> list[Revision]:
    """Entries recorded one after the other, each in force from some instant that has come."""
    recorded = sorted(draw(st.lists(HOURS, min_size=1, max_size=8)))
    return [
        an_entry(
            number,
            draw(st.integers(0, 40)),
            effective_at=at(draw(st.integers(0, hours))),
            recorded_at=at(hours),
            kind=draw(st.sampled_from([CountChange.ANNOUNCED, CountChange.CORRECTED])),
        )
        for number, hours in enumerate(recorded, 1)
    ]


def painted(revisions: list[Revision], known_at: datetime) -> dict[datetime, int]:
    """The value of every hour, painted over in the order in which the entries became known."""
    hours: dict[datetime, int] = {}
    for entry in revisions:
        if entry.recorded_at <= known_at:
            hours |= {at(hour): entry.count for hour in range(402) if at(hour) >= entry.effective_at}
    return hours


@given(histories(), HOURS, HOURS)
def test_the_value_as_of_any_instant_is_the_last_word_on_it_that_was_known(revisions, asked, known):
    """E-2, E-3: read for an instant and for what was known at an instant."""
    found = domain.in_force(revisions, at(asked), at(known))
    assert (found.count if found else None) == painted(revisions, at(known)).get(at(asked))


@given(histories(), HOURS, HOURS)
def test_what_was_known_at_an_instant_never_changes_afterwards(revisions, asked, known):
    """E-2: whatever is entered later, the reading as of then stays."""
    until_then = [entry for entry in revisions if entry.recorded_at <= at(known)]
    assert domain.in_force(revisions, at(asked), at(known)) == domain.in_force(until_then, at(asked))


@given(histories(), st.lists(st.tuples(HOURS, st.integers(0, 40)), max_size=4))
def test_the_default_is_the_same_whenever_it_is_read(revisions, later):
    """E-2: a timer that fires late finds what it would have found in time."""
    due = at(200)
    in_time = [entry for entry in revisions if entry.recorded_at < due]
    late = [
        an_entry(len(in_time) + number, count, effective_at=at(hour), recorded_at=due + timedelta(hours=number))
        for number, (hour, count) in enumerate(later, 1)
        if at(hour) <= due
    ]
    on_time = domain.default_from(in_time, as_of=at(175), due_at=due)
    assert domain.default_from([*in_time, *late], as_of=at(175), due_at=due) == on_time


def test_a_raise_on_the_31st_does_not_flow_into_the_default():
    """E-2: 20 at the end of 30 October, 26 from 31 October on."""
    first = an_entry(1, 20, effective_at=datetime(2024, 10, 30, 21, 59, 59, 999_999, tzinfo=UTC))
    raised = an_entry(2, 26, effective_at=datetime(2024, 10, 30, 22, 0, tzinfo=UTC))
    assert domain.default_from([first, raised], as_of=as_of(2025), due_at=due_at(2025)) == 20
    assert domain.default_from([raised], as_of=as_of(2025), due_at=due_at(2025)) is None


def test_a_year_that_began_by_default_gives_the_next_default_however_late_it_was_written_down():
    """E-2: a default holds from 1 November, whenever the service came to it."""
    written_late = an_entry(
        kind=CountChange.DEFAULTED, effective_at=due_at(2025), recorded_at=due_at(2026) + timedelta(days=3)
    )
    assert domain.default_from([written_late], as_of=as_of(2026), due_at=due_at(2026)) == 20


def test_the_default_falls_due_at_midnight_in_helsinki():
    """E-16: 1 November 00:00 is 22:00 UTC of the day before; summer time has ended by then."""
    assert due_at(2025) == datetime(2024, 10, 31, 22, tzinfo=UTC)
    assert as_of(2025) == datetime(2024, 10, 30, 21, 59, 59, 999_999, tzinfo=UTC)


def test_a_correction_may_lower_and_is_one_version():
    """E-3."""
    contract = a_contract(counts={2024: 260})
    corrected = domain.correct(contract, [an_entry(count=260)], 2024, 26, effective_at=at(5))
    assert (corrected.counts, corrected.version) == ({2024: 26}, 2)


def test_a_correction_to_what_has_stood_all_the_time_changes_nothing():
    """E-23."""
    contract = a_contract(counts={2024: 20})
    assert domain.correct(contract, [an_entry()], 2024, 20, effective_at=at(5)) is contract


def test_a_correction_of_an_earlier_time_counts_also_where_today_is_right():
    """E-3: 20, then by mistake 200, then 20 again: the time in between is corrected."""
    history = [an_entry(1, 20), an_entry(2, 200), an_entry(3, 20, kind=CountChange.CORRECTED)]
    contract = a_contract(counts={2024: 20})
    assert domain.correct(contract, history, 2024, 20, effective_at=at(1)).version == 2
    assert domain.correct(contract, history, 2024, 20, effective_at=at(3)) is contract


def test_there_must_be_an_entry_to_correct():
    """E-3: COUNT_NOT_ANNOUNCED."""
    with pytest.raises(Refusal, match="COUNT_NOT_ANNOUNCED"):
        domain.correct(a_contract(), [], 2024, 20, effective_at=at(5))


@pytest.mark.parametrize("day", [date(2024, 1, 14), date(2024, 3, 2)])
def test_a_correction_holds_from_no_day_without_an_entry_and_from_no_day_to_come(day):
    """E-3: both ends are said."""
    with pytest.raises(Invalid) as refused:
        domain.require_effective_day(day, first=date(2024, 1, 15), today=date(2024, 3, 1))
    assert refused.value.values == {"earliest": date(2024, 1, 15), "latest": date(2024, 3, 1)}
    domain.require_effective_day(date(2024, 1, 15), first=date(2024, 1, 15), today=date(2024, 3, 1))


def test_a_contract_ends_on_any_day_from_its_first():
    """E-45: set, moved and lifted; a day before the first cannot be."""
    ended = end(a_contract(), date(2024, 6, 30))
    assert (ended.valid_to, ended.version) == (date(2024, 6, 30), 2)
    assert end(ended, date(2024, 6, 30)) is ended
    assert end(ended, None).valid_to is None
    with pytest.raises(Invalid, match="VALIDITY_INVERTED"):
        end(a_contract(), date(2021, 12, 31))
