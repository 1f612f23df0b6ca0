"""The rules of the follow-up: pure functions, and the work list's SQL against an oracle of its own."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chassis.calendar import add_months
from contracts.refusals import Invalid, Refusal
from contracts.values import CourseState, DecisionState, PinState
from services.decisions.domain import GivenBy, NoticeChannel
from services.decisions.followup import domain
from services.decisions.followup.domain import Place, Said, Watch, WorkState, follow_up
from tests.decisions.builders import START, a_course, course_confirmed, expect, pinned, registered
from tests.decisions.following import Following
from tests.decisions.test_rules import a_decision

DAYS = st.dates(date(2024, 1, 15), date(2025, 12, 31))
WATCHES = st.builds(
    Watch,
    version=st.integers(0, 9),
    next_on=st.none() | DAYS,
    contacted_on=st.none() | DAYS,
    swap_wanted=st.booleans(),
)
GRANTED = a_decision(decided_on=date(2024, 1, 15), confirm_by=date(2024, 7, 15))
PLACES = st.none() | st.builds(
    Place, st.just("course-1"), st.sampled_from(PinState), st.none() | st.sampled_from(CourseState)
)


def said(on: date) -> Said:
    return Said(on, NoticeChannel.PHONE, GivenBy.CLIENT)


@given(PLACES, st.sampled_from(DecisionState))
def test_a_contact_is_noted_exactly_while_the_follow_up_is_open(place, state):
    """R-CRS-21, R-CRS-40, E-40: a confirmed course or an ended decision leaves nothing to contact about."""
    decision = replace(GRANTED, state=state)
    present = place is not None and place.pin_state in (PinState.ACTIVE, PinState.FULFILLED)
    took_place = present and (
        place.pin_state is PinState.FULFILLED
        or place.course_state in (CourseState.CONFIRMED, CourseState.RUNNING, CourseState.COMPLETED)
    )
    found = follow_up(decision, place)
    assert found.open is (state is DecisionState.GRANTED and not took_place)
    if found.open:
        domain.require_open(found, decision)
    else:
        with pytest.raises(Refusal, match="FOLLOW_UP_CLOSED"):
            domain.require_open(found, decision)


@given(WATCHES, DAYS, DAYS, st.integers(-400, 800))
def test_whatever_was_wished_before_a_client_who_stays_is_watched_from_the_new_day(watch, on, answered, ahead):
    """E-65: the day lies ahead within a year, and the answer between the decision and today."""
    next_on = on + timedelta(days=ahead)
    if answered > on or not 0 < ahead <= 365:
        with pytest.raises(Invalid):
            domain.stays(watch, said(answered), GRANTED, next_on, on)
    else:
        assert domain.stays(watch, said(answered), GRANTED, next_on, on) == Watch(watch.version + 1, next_on)


@given(WATCHES, DAYS)
def test_another_provider_is_to_be_had_after_the_deadline_only(watch, on):
    """R-CRS-21, E-11, E-65: and nothing agreed on since takes that away."""
    if on <= date(2024, 7, 15):
        with pytest.raises(Refusal, match="DEADLINE_NOT_PASSED"):
            domain.wants_swap(watch, said(on), GRANTED, on)
    else:
        wished = domain.wants_swap(watch, said(on), GRANTED, on)
        assert (wished.swap_wanted, wished.next_on, wished.version) == (True, watch.next_on, watch.version + 1)


@given(WATCHES, DAYS, DAYS)
def test_contacts_may_be_noted_in_any_order(watch, one, other):
    """R-CRS-21: the last day counts, whichever was written down last."""
    today = date(2025, 12, 31)
    first, second = said(one), said(other)
    forward = domain.contacted(domain.contacted(watch, first, GRANTED, today), second, GRANTED, today)
    assert forward == domain.contacted(domain.contacted(watch, second, GRANTED, today), first, GRANTED, today)
    assert forward.version == watch.version + 2


@given(WATCHES, DAYS)
def test_only_a_wish_for_another_provider_can_be_ended(watch, on):
    """E-65, E-66."""
    assume(not watch.swap_wanted)
    with pytest.raises(Refusal, match="SWAP_NOT_WANTED"):
        domain.swap_ended(watch, on + timedelta(days=7), on)
    ended = domain.swap_ended(replace(watch, swap_wanted=True), on + timedelta(days=7), on)
    assert ended == Watch(watch.version + 1, on + timedelta(days=7))


def expected_state(decision, place, first_day, watch, today) -> WorkState | None:
    """The work list once more, written as a person would read the rules."""
    if not follow_up(decision, place).open:
        return None
    if watch.swap_wanted:
        return WorkState.SWAP_WANTED
    due = watch.next_on or decision.confirm_by
    if due > today + timedelta(days=30):
        return WorkState.WATCHED
    if place and place.pin_state is PinState.ACTIVE and first_day <= today:
        return WorkState.COURSE_UNANSWERED
    if due >= today:
        return WorkState.NEARING
    return WorkState.CONTACTED if watch.contacted_on else WorkState.OVERDUE


async def test_any_mixture_of_clients_is_listed_as_the_rules_say(decisions):
    """R-CRS-21, R-CRS-40, E-11, E-16, E-40: on many days, for clients in every state."""
    chance = random.Random(65)
    kela = Following(decisions)
    await decisions.know(registered({2024: 500}, version=2))
    courses = {}
    for number, state in enumerate((*CourseState, *CourseState)):
        shift = timedelta(days=chance.randrange(400))
        periods = tuple(
            p.model_copy(update={"first_day": p.first_day + shift, "last_day": p.last_day + shift})
            for p in a_course().periods
        )
        courses[f"course-{number}"] = (state, periods[0].first_day)
        await decisions.know(course_confirmed(course_id=f"course-{number}", state=state, periods=periods))
    clients = {}
    for number in range(60):
        granted_on = START + timedelta(days=number * 2)
        await decisions.clock.set(granted_on)
        answer = await decisions.grant()
        ref, place, first_day = answer["decision_ref"], None, None
        if chance.random() < 0.8:
            course_id = chance.choice(list(courses))
            state, first_day = courses[course_id]
            place = Place(course_id, chance.choice(list(PinState)), state)
            # An earlier pin, delivered late, does not count.
            earlier = pinned(ref, version=1, course_id=chance.choice(list(courses)))
            present = pinned(ref, version=2, course_id=course_id, state=place.pin_state)
            if earlier.pin.course_id != course_id:
                await decisions.know(present, earlier)
            else:
                await decisions.know(present)
        watch = Watch(
            1,
            next_on=chance.choice([None, date(2024, 9, 1) + timedelta(days=chance.randrange(200))]),
            contacted_on=chance.choice([None, date(2024, 8, 1)]),
            swap_wanted=chance.random() < 0.1,
        )
        async with decisions.service.transaction() as tx:
            await tx.execute(
                "INSERT INTO follow_ups VALUES ($1, 1, $2, $3, $4)",
                ref,
                watch.next_on,
                watch.contacted_on,
                watch.swap_wanted,
            )
        decision = replace(
            GRANTED, decision_ref=ref, decided_on=granted_on.date(), confirm_by=add_months(granted_on.date(), 6)
        )
        if chance.random() < 0.1:
            expect(200, await decisions.revoke(answer, received_on=granted_on.date().isoformat()))
            decision = replace(decision, state=DecisionState.REVOKED)
        clients[ref] = (decision, place, first_day, watch)
    seen = set()
    for _ in range(12):
        today = date(2024, 5, 15) + timedelta(days=chance.randrange(400))
        await decisions.clock.set(datetime(today.year, today.month, today.day, 9, tzinfo=UTC))
        states = {ref: expected_state(*facts, today) for ref, facts in clients.items()}
        seen |= set(states.values())
        work = {ref: state for ref, state in states.items() if state not in (None, WorkState.WATCHED)}
        assert await kela.states(limit=500) == work, today
        assert await kela.states(limit=500, due_before="2199-01-01") == {r: s for r, s in states.items() if s}, today
    assert seen == {None, *WorkState}
