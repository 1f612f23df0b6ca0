"""The rules of choice-supporting information alone: no database, no clock."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.refusals import Invalid, NotFound, Refusal
from contracts.values import ChoiceKind, Language
from services.registration.choices import domain
from services.registration.choices.domain import Answer, ChoiceInformation, Option, Question
from services.registration.domain import Contract, require_provided

DAY = date(2024, 1, 15)
EXPERIENCE = Question(
    "experience",
    ChoiceKind.ONE_OF,
    date(2022, 5, 1),
    options=(Option("lt2", below=2), Option("ge2", at_least=2), Option("none")),
)
QUEUE_TIME = Question("queue_time", ChoiceKind.NUMBER, date(2022, 5, 1), minimum=0, maximum=104)
LANGUAGES = Question(
    "signing", ChoiceKind.SOME_OF, date(2022, 5, 1), options=(Option("fi"), Option("sv"), Option("en"))
)
QUESTIONS = (EXPERIENCE, QUEUE_TIME, LANGUAGES)


def nothing_answered(**answers: Answer) -> ChoiceInformation:
    return ChoiceInformation("office-1", "1234567-1", "CARDIAC_ADULT", answers, version=len(answers))


def refusal_of(given_answers, questions=QUESTIONS, on=DAY) -> Refusal:
    with pytest.raises(Refusal) as refused:
        domain.update(nothing_answered(), questions, given_answers, on=on)
    return refused.value


def test_answers_are_options_several_options_or_a_number():
    """R-SRCH-9: in the order in which the question has them, whatever the order they were given in."""
    after = domain.update(
        nothing_answered(), QUESTIONS, {"experience": "ge2", "queue_time": 6, "signing": ["en", "fi"]}, on=DAY
    )
    assert after.version == 1
    assert after.answers == {
        "experience": Answer("experience", options=("ge2",)),
        "queue_time": Answer("queue_time", number=6),
        "signing": Answer("signing", options=("fi", "en")),
    }


def test_an_answer_that_is_left_out_is_withdrawn_and_the_same_again_is_no_change():
    first = domain.update(nothing_answered(), QUESTIONS, {"experience": "ge2", "queue_time": 6}, on=DAY)
    assert domain.update(first, QUESTIONS, {"queue_time": 6, "experience": "ge2"}, on=DAY) is first
    second = domain.update(first, QUESTIONS, {"queue_time": 4}, on=DAY)
    assert domain.changes(first, second) == [Answer("queue_time", number=4), Answer("experience")]
    assert [change.withdrawn for change in domain.changes(first, second)] == [False, True]


def test_an_answer_to_a_question_that_is_no_longer_asked_stays():
    """R-SRCH-5: it cannot be given, so it cannot be taken away by leaving it out."""
    closed = Question("pool", ChoiceKind.ONE_OF, date(2022, 5, 1), date(2023, 12, 31), (Option("a"), Option("b")))
    held = nothing_answered(pool=Answer("pool", options=("a",)))
    after = domain.update(held, (*QUESTIONS, closed), {"queue_time": 6}, on=DAY)
    assert after.answers.keys() == {"pool", "queue_time"}


@pytest.mark.parametrize(
    ("given_answers", "code", "values"),
    [
        ({"experience": "gt2"}, "CHOICE_OPTION_UNKNOWN", {"question": "experience", "allowed": ["lt2", "ge2", "none"]}),
        ({"signing": ["fi", "no"]}, "CHOICE_OPTION_UNKNOWN", {"question": "signing", "allowed": ["fi", "sv", "en"]}),
        ({"experience": 3}, "CHOICE_ANSWER_KIND", {"question": "experience", "kind": "one_of"}),
        ({"experience": ["ge2"]}, "CHOICE_ANSWER_KIND", {"question": "experience", "kind": "one_of"}),
        ({"signing": "fi"}, "CHOICE_ANSWER_KIND", {"question": "signing", "kind": "some_of"}),
        ({"signing": []}, "CHOICE_ANSWER_KIND", {"question": "signing", "kind": "some_of"}),
        ({"queue_time": "6"}, "CHOICE_ANSWER_KIND", {"question": "queue_time", "kind": "number"}),
        (
            {"queue_time": 105},
            "CHOICE_NUMBER_OUT_OF_RANGE",
            {"question": "queue_time", "minimum": 0, "maximum": 104},
        ),
        ({"sauna": "yes"}, "CHOICE_QUESTION_UNKNOWN", {"known": ["experience", "queue_time", "signing"]}),
    ],
)
def test_an_answer_that_can_never_be_is_refused_with_what_is_allowed(given_answers, code, values):
    """R-SRCH-9: unknown options are refused with the allowed ones."""
    refusal = refusal_of(given_answers)
    assert isinstance(refusal, Invalid)
    assert (refusal.code, refusal.values) == (code, values)


def test_a_service_without_questions_is_answered_nothing_about():
    assert isinstance(refusal_of({"experience": "ge2"}, questions=()), NotFound)


@pytest.mark.parametrize(
    ("day", "reason", "opens_on"),
    [(date(2025, 10, 31), "later", date(2025, 11, 1)), (date(2027, 1, 1), "over", None)],
)
def test_a_question_is_answered_only_on_the_days_it_is_asked(day, reason, opens_on):
    """R-SRCH-6: the wave opens on its day, and both its ends belong to it."""
    pool = Question(
        "pool", ChoiceKind.ONE_OF, date(2025, 11, 1), date(2026, 12, 31), (Option("none"), Option("at_office"))
    )
    refusal = refusal_of({"pool": "none"}, (EXPERIENCE, pool), on=day)
    assert refusal.code == "CHOICE_QUESTION_NOT_OPEN"
    assert refusal.values == {"question": "pool", "reason": reason, "opens_on": opens_on, "open": ["experience"]}
    for first_or_last in (pool.valid_from, pool.valid_to):
        assert domain.update(nothing_answered(), (pool,), {"pool": "none"}, on=first_or_last).answers


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 1000))
def test_a_question_is_asked_from_its_first_day_to_its_last(first_day, days):
    question = Question("pool", ChoiceKind.ONE_OF, first_day, first_day + timedelta(days))
    for day in (first_day, question.valid_to):
        assert domain.asked_on([question], day) == {"pool": question}
    assert domain.asked_on([question], first_day - timedelta(1)) == {}
    assert domain.asked_on([question], first_day + timedelta(days + 1)) == {}


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5, unique=True))
def test_classes_that_meet_hold_every_number_once(bounds):
    """E-46: "under 2" and "over 2" leave exactly 2 out; here the bound belongs to the upper class."""
    bounds = sorted(bounds)
    edges = [None, *bounds, None]
    classes = [Option(str(n), at_least=edges[n], below=edges[n + 1]) for n in range(len(edges) - 1)]
    assert not domain.leaves_gap([*classes, Option("none")])
    for number in {0, *bounds, *(bound - 1 for bound in bounds), 41}:
        holding = [
            each
            for each in classes
            if (each.at_least is None or each.at_least <= number) and (each.below is None or number < each.below)
        ]
        assert len(holding) == 1


@pytest.mark.parametrize(
    "classes",
    [
        [Option("lt2", below=2), Option("gt2", at_least=3)],
        [Option("lt2", below=3), Option("ge2", at_least=2)],
        [Option("ge2", at_least=2)],
        [Option("lt2", below=2)],
        [Option("lt2", below=2), Option("ge2", at_least=2, below=6)],
    ],
    ids=["exactly 2 is out", "2 is in both", "nothing below", "nothing above", "open above is missing"],
)
def test_classes_that_leave_a_number_out_or_hold_it_twice_are_noticed(classes):
    """E-46."""
    assert domain.leaves_gap(classes)


def test_an_office_answers_about_services_its_provider_has_a_contract_for():
    """A contract that has ended is none any more; one that is yet to begin is one (P3)."""
    lasting = {"CARDIAC_ADULT": None, "CAREGIVER": DAY - timedelta(1), "OMA_VAYLA": DAY}
    contracts = [
        Contract("contract", "1234567-1", service, Language.FI, DAY, valid_to) for service, valid_to in lasting.items()
    ]
    provided = {contract.service for contract in contracts if not contract.ended_before(DAY)}
    for service in ("CARDIAC_ADULT", "OMA_VAYLA"):
        require_provided(service, provided)
    with pytest.raises(Refusal) as refused:
        require_provided("CAREGIVER", provided)
    assert refused.value.values == {"provided": ["CARDIAC_ADULT", "OMA_VAYLA"]}
