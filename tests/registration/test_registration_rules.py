"""The rules of registering and of changes alone: no database, no clock."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.calendar import add_months
from contracts.refusals import Refusal
from contracts.values import ChangeKind, ChangeState, Language, RegistrationState
from services.registration.change_requests import domain as changes
from services.registration.change_requests.domain import (
    AddSubcontractor,
    Announce,
    ChangeConsortium,
    ChangeRequest,
    MoveVisitingAddress,
    RemoveSubcontractor,
)
from services.registration.domain import Office
from services.registration.own_details import domain as own
from services.registration.own_details.domain import Administration, Biller
from services.registration.registering import domain
from services.registration.registering.domain import Composition, ConsortiumMember, Registration, Subcontractor
from tests.registration.builders import KELA, OURS, THEIRS, a_contract

POOL = Subcontractor("Allasterapia Oy", THEIRS, "Allasterapia")
DIET = Subcontractor("Ravitsemus Oy", KELA, "Ravitsemusohjaus")
IDS = ("1112223-0", "2828286-3", "5556667-7", KELA, THEIRS)
SUBCONTRACTORS = st.builds(Subcontractor, st.just("Oy"), st.sampled_from(IDS), st.sampled_from(("osa A", "osa B")))
MEMBERS = st.builds(ConsortiumMember, st.just("Oy"), st.sampled_from(IDS), st.just("osa"))
CHANGES = st.one_of(
    st.builds(AddSubcontractor, SUBCONTRACTORS),
    st.builds(RemoveSubcontractor, st.sampled_from(IDS)),
    st.builds(ChangeConsortium, st.lists(MEMBERS, max_size=2).map(tuple)),
)


def a_registration(**differences) -> Registration:
    return Registration(
        **{
            "registration_id": "registration-1",
            "provider_id": OURS,
            "office_id": "office-1",
            "service": "CARDIAC_ADULT",
            "language": Language.FI,
            "composition": Composition(subcontracting=False),
            "conditions_accepted": True,
            **differences,
        }
    )


def a_request(kind: ChangeKind = ChangeKind.SUBCONTRACTOR_ADDED, change=None, **differences) -> ChangeRequest:
    facts = {"registration_id": "registration-1", **differences}
    return ChangeRequest("request-1", OURS, kind, change or AddSubcontractor(POOL), date(2024, 2, 1), **facts)


def refusal_of(act) -> Refusal:
    with pytest.raises(Refusal) as refused:
        act()
    return refused.value


@pytest.mark.parametrize(
    ("composition", "code"),
    [
        (Composition(), "SUBCONTRACTING_UNDECLARED"),
        (Composition(None, (POOL,)), "SUBCONTRACTING_UNDECLARED"),
        (Composition(True), "SUBCONTRACTORS_MISSING"),
        (Composition(False, (POOL, DIET)), "SUBCONTRACTORS_UNEXPECTED"),
    ],
)
def test_the_question_about_subcontracting_must_be_answered_and_fit_the_list(composition, code):
    """R-REG-3, R-REG-4: null is no answer, yes names somebody, no names nobody."""
    refusal = refusal_of(lambda: domain.submit(a_registration(composition=composition)))
    assert refusal.code == code
    assert refusal.values == ({"named": 2} if code == "SUBCONTRACTORS_UNEXPECTED" else {})


@pytest.mark.parametrize(
    "composition", [Composition(False), Composition(True, (POOL,)), Composition(True, (POOL, DIET))]
)
def test_a_draft_that_says_yes_with_names_or_no_without_is_submitted(composition):
    """R-REG-3, R-REG-4."""
    submitted = domain.submit(a_registration(composition=composition))
    assert (submitted.state, submitted.version) == (RegistrationState.SUBMITTED, 2)


def test_the_conditions_of_registration_are_accepted_first():
    """P3."""
    assert (
        refusal_of(lambda: domain.submit(a_registration(conditions_accepted=False))).code == "CONDITIONS_NOT_ACCEPTED"
    )


@pytest.mark.parametrize("state", RegistrationState)
def test_each_command_has_its_one_state(state):
    """Section 7: draft, submitted, approved, contract registered, ended; rejected."""
    one = a_registration(state=state)
    commands = {
        RegistrationState.DRAFT: lambda: domain.submit(one),
        RegistrationState.SUBMITTED: lambda: domain.decide(one, approved=True),
        RegistrationState.APPROVED: lambda: domain.under_contract(one, "contract-1"),
        RegistrationState.CONTRACT_REGISTERED: lambda: domain.end_on(one, date(2024, 6, 30), on=date(2024, 1, 15)),
    }
    for needed, command in commands.items():
        if needed is state:
            assert command().version == 2
        else:
            refusal = refusal_of(command)
            assert (refusal.code, refusal.values) == ("REGISTRATION_STATE", {"state": state, "needed": [needed]})


def test_an_organisation_is_named_once_and_is_not_the_provider():
    """R-REG-4; a member of the consortium may be a subcontractor as well."""
    twice = Composition(True, (POOL, replace(POOL, service_part="Sauna")))
    assert refusal_of(lambda: domain.require_well_named(OURS, twice)).values == {"position": 2}
    itself = Composition(True, (replace(POOL, business_id=OURS),))
    assert refusal_of(lambda: domain.require_well_named(OURS, itself)).code == "PARTY_NAMED_TWICE"
    domain.require_well_named(OURS, Composition(True, (POOL,), (ConsortiumMember("Oy", THEIRS, "osa"),)))


def test_a_registration_ends_when_its_last_day_is_over():
    """E-45: the last day itself still belongs to it."""
    ending = a_registration(state=RegistrationState.CONTRACT_REGISTERED, contract_id="c", ends_on=date(2024, 6, 30))
    assert domain.ended(ending, on=date(2024, 6, 30)) is ending
    over = domain.ended(ending, on=date(2024, 7, 1))
    assert over.state is RegistrationState.ENDED
    assert domain.ended(over, on=date(2024, 7, 2)) is over


def test_a_contract_ends_with_the_last_of_its_registrations():
    """E-45: not before each has a last day, and never later than it would anyway."""
    contract = a_contract()
    june, may = date(2024, 6, 30), date(2024, 5, 31)
    assert domain.closed_with(contract, [june, None]) is contract
    assert domain.closed_with(contract, [may, june]).valid_to == june
    short = a_contract(valid_to=may)
    assert domain.closed_with(short, [june]) is short
    early = refusal_of(lambda: domain.closed_with(a_contract(valid_from=date(2025, 1, 1)), [june]))
    assert early.code == "VALIDITY_INVERTED"


@given(st.lists(CHANGES, max_size=8))
def test_the_answer_always_fits_the_list_whatever_is_approved(approved):
    """R-REG-3, R-REG-4, R-REG-5: a first subcontractor makes it a yes, the last one leaving makes it a no."""
    one = a_registration(state=RegistrationState.APPROVED)
    for change in approved:
        one = domain.recompose(one, changes.recomposed(one.composition, change))
        domain.require_declared(one.composition)
        ids = [each.business_id for each in one.composition.subcontractors]
        assert len(ids) == len(set(ids))


@given(st.lists(CHANGES, max_size=4), CHANGES)
def test_a_change_applied_twice_is_applied_once(before, change):
    """R-REG-5: a repeated timer changes nothing."""
    one = a_registration(state=RegistrationState.CONTRACT_REGISTERED)
    for each in before:
        one = domain.recompose(one, changes.recomposed(one.composition, each))
    once = domain.recompose(one, changes.recomposed(one.composition, change))
    assert domain.recompose(once, changes.recomposed(once.composition, change)) is once


@pytest.mark.parametrize("state", [RegistrationState.DRAFT, RegistrationState.REJECTED, RegistrationState.ENDED])
def test_what_is_not_in_force_is_not_changed_by_a_request(state):
    """R-REG-5: an approved change whose registration ended meanwhile has nothing to change."""
    one = a_registration(state=state)
    assert domain.recompose(one, Composition(True, (POOL,))) is one


@given(CHANGES)
def test_a_change_is_read_back_as_it_was_kept(change):
    kinds = {
        AddSubcontractor: ChangeKind.SUBCONTRACTOR_ADDED,
        RemoveSubcontractor: ChangeKind.SUBCONTRACTOR_REMOVED,
        ChangeConsortium: ChangeKind.CONSORTIUM_CHANGED,
    }
    assert changes.change_of(kinds[type(change)], changes.detail_of(change)) == change


@given(st.dates(date(2022, 1, 1), date(2026, 12, 31)))
def test_a_new_company_form_is_announced_three_months_before(today):
    """P2, E-11: calendar months, clipped to the month's end."""
    earliest = add_months(today, changes.COMPANY_FORM_NOTICE_MONTHS)
    notice = {"today": today, "in_three_months": earliest}
    changes.require_notice(ChangeKind.COMPANY_FORM_CHANGED, earliest, **notice)
    day_before = date.fromordinal(earliest.toordinal() - 1)
    refusal = refusal_of(lambda: changes.require_notice(ChangeKind.COMPANY_FORM_CHANGED, day_before, **notice))
    assert (refusal.code, refusal.values) == (
        "ANNOUNCED_TOO_LATE",
        {"effective_from": day_before, "earliest": earliest},
    )
    changes.require_notice(ChangeKind.SUBCONTRACTOR_ADDED, today, **notice)


def test_the_end_of_november_announces_for_the_end_of_february():
    """P2, E-11: 30.11.2023 + 3 months = 29.2.2024."""
    notice = {"today": date(2023, 11, 30), "in_three_months": add_months(date(2023, 11, 30), 3)}
    changes.require_notice(ChangeKind.COMPANY_FORM_CHANGED, date(2024, 2, 29), **notice)


def test_nothing_is_asked_for_in_the_past():
    """R-REG-5: nothing is in force before Kela has approved it."""
    notice = {"today": date(2024, 1, 15), "in_three_months": date(2024, 4, 15)}
    refusal = refusal_of(lambda: changes.require_notice(ChangeKind.STAFF_CHANGED, date(2024, 1, 14), **notice))
    assert (refusal.code, refusal.status) == ("DATE_IN_PAST", 422)


def test_requests_contradict_each_other_about_one_thing_only():
    """One subcontractor coming and going, one consortium, one visiting address, one company form."""
    come = a_request()
    go = a_request(ChangeKind.SUBCONTRACTOR_REMOVED, RemoveSubcontractor(THEIRS))
    assert come.contradicts == go.contradicts
    assert come.contradicts != a_request(change=AddSubcontractor(DIET)).contradicts
    assert come.contradicts != replace(come, registration_id="registration-2").contradicts
    form = a_request(ChangeKind.COMPANY_FORM_CHANGED, Announce(), registration_id=None)
    assert form.contradicts == f"company-form/{OURS}"
    assert replace(form, kind=ChangeKind.STAFF_CHANGED, office_id="office-1").contradicts is None
    move = MoveVisitingAddress("297", "Tulliportinkatu 2")
    assert a_request(ChangeKind.VISITING_ADDRESS_CHANGED, move, office_id="o").contradicts == "visiting-address/o"


@pytest.mark.parametrize("state", [each for each in ChangeState if each is not ChangeState.SUBMITTED])
def test_a_request_ends_once(state):
    """R-REG-5."""
    ended = changes.end(a_request(), state)
    assert (ended.state, ended.version) == (state, 2)
    for again in (ChangeState.APPROVED, ChangeState.REJECTED, ChangeState.WITHDRAWN):
        refusal = refusal_of(lambda again=again: changes.end(ended, again))
        assert (refusal.code, refusal.values) == ("CHANGE_NOT_OPEN", {"state": state})


def test_an_approved_change_is_due_from_its_own_day_once():
    """E-68: never before its day, never before the approval, never again."""
    request = a_request()
    assert not changes.due(request, on=date(2024, 2, 1))
    approved = changes.end(request, ChangeState.APPROVED)
    assert not changes.due(approved, on=date(2024, 1, 31))
    assert changes.due(approved, on=date(2024, 2, 1))
    assert changes.due(approved, on=date(2024, 2, 9))
    assert not changes.due(changes.applied(approved), on=date(2024, 2, 1))


def test_a_subcontractor_comes_where_it_is_not_and_goes_where_it_is():
    """R-REG-5."""
    one = a_registration(composition=Composition(True, (POOL,)), state=RegistrationState.APPROVED)
    changes.require_sensible(one, AddSubcontractor(DIET))
    changes.require_sensible(one, RemoveSubcontractor(THEIRS))
    assert refusal_of(lambda: changes.require_sensible(one, AddSubcontractor(POOL))).code == "SUBCONTRACTOR_KNOWN"
    assert refusal_of(lambda: changes.require_sensible(one, RemoveSubcontractor(KELA))).code == "SUBCONTRACTOR_UNKNOWN"


def test_an_office_moves_to_its_new_address_once():
    """P2."""
    office = Office("office-1", OURS, "Kuopio", "297", "Puijonkatu 1", "PL 1")
    moved = changes.moved(office, MoveVisitingAddress("297", "Tulliportinkatu 2"))
    assert (moved.street_address, moved.postal_address, moved.version) == ("Tulliportinkatu 2", "PL 1", 2)
    assert changes.moved(moved, MoveVisitingAddress("297", "Tulliportinkatu 2")) is moved


def test_a_new_biller_begins_today_at_the_earliest_and_the_old_one_stays_in_the_past():
    """P2: it may take effect with the next invoice."""
    today = date(2024, 1, 15)
    old, new = Biller("Vanha Oy", THEIRS, date(2023, 1, 1)), Biller("Uusi Oy", KELA, date(2024, 2, 1))
    before = Administration("contract-1", OURS, billers=(old,), version=1)
    after = own.with_biller(before, new, today=today)
    assert (after.biller_on(today), after.biller_on(new.effective_from), after.version) == (old, new, 2)
    assert own.with_biller(after, new, today=today) is after
    other = replace(new, name="Toinen Oy")
    assert own.with_biller(after, other, today=today).billers == (old, other)
    late = refusal_of(lambda: own.with_biller(before, replace(new, effective_from=date(2024, 1, 14)), today=today))
    assert late.code == "DATE_IN_PAST"
    assert Administration("contract-1", OURS).biller_on(today) is None
