"""Choice-supporting information: the questions as data, and offices' answers over HTTP."""

import asyncio
import json
from datetime import UTC, date, datetime

import asyncpg
import pytest

from chassis.auth import Role
from contracts.registration import ChoiceInformationChanged, ServiceDescriptionPublished
from contracts.values import ChoiceKind, Provenance
from services.registration import descriptions
from services.registration.choices import domain, handlers, store
from services.registration.choices.questions import QuestionFault, as_rule, read_questions
from tests.races import meet
from tests.registration.builders import (
    OURS,
    THEIRS,
    answer_choices,
    registered_contract,
    registered_office,
)

QUESTIONS = read_questions()
RARE = "RARE_CONNECTIVE_ADULT"


def codes_on(service: str, day: date) -> list[str]:
    return list(domain.asked_on(map(as_rule, QUESTIONS[service]), day))


@pytest.fixture
async def office_id(registration) -> str:
    """An office of ours; we have a contract for the heart course."""
    await registered_contract(registration)
    return await registered_office(registration)


def test_the_rare_connective_tissue_course_asks_exactly_its_two_questions():
    """R-SRCH-9, R-SRCH-10, R-SRCH-11: experience in three classes, pools in three, and nothing else."""
    experience, pool = QUESTIONS[RARE]
    assert (experience.code, [option.code for option in experience.options]) == ("experience", ["lt2", "ge2", "none"])
    assert "6 vuoden" in experience.texts.fi
    assert (pool.code, [option.code for option in pool.options]) == ("pool", ["none", "at_office", "outside"])
    assert {experience.kind, pool.kind} == {ChoiceKind.ONE_OF}
    assert {each.sources["asked"] for each in (experience, pool)} == {Provenance.SEED}


def test_exactly_two_years_of_experience_is_over_two_years():
    """E-46, R-SRCH-10: the hole between "under 2" and "over 2" is closed upwards."""
    under, over, never = QUESTIONS[RARE][0].options
    assert (under.at_least, under.below) == (None, 2)
    assert (over.at_least, over.below) == (2, None)
    assert (never.at_least, never.below) == (None, None)
    assert (over.texts.fi, over.texts.en) == ("2 vuotta tai enemmän", "2 years or more")


def test_services_are_switched_on_in_waves():
    """R-SRCH-5, R-SRCH-6: heart, then Oma väylä; rheumatism in autumn 2025, the others at the turn of the year."""
    waves = sorted((questions[0].valid_from, service) for service, questions in QUESTIONS.items())
    assert [service for _, service in waves[:3]] == ["CARDIAC_ADULT", "OMA_VAYLA", "RHEUMA_ADULT"]
    assert date(2025, 9, 1) <= waves[2][0] <= date(2025, 11, 30)
    assert {day for day, _ in waves[3:]} == {date(2026, 1, 1)}
    assert codes_on("RHEUMA_ADULT", date(2025, 10, 2)) == []
    assert codes_on("RHEUMA_ADULT", date(2025, 12, 1)) == ["experience", "pool", "queue_time"]


def test_what_no_source_tells_of_a_question_is_marked():
    """Section 4: the days of the waves are ours, and so is which questions other services have."""
    for service, questions in QUESTIONS.items():
        for question in questions:
            assert question.sources["valid_from"] is Provenance.DEMO
            known = service == RARE or question.code == "queue_time"
            assert (question.sources["asked"] is Provenance.DEMO) is not known


async def test_a_provider_answers_and_it_holds_at_once(registration, office_id):
    """R-SRCH-9, P2: self-service; the event carries the codes."""
    answer = await answer_choices(registration, office_id, {"experience": "ge2", "pool": "outside"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["rekku-known"] == f"choice-information:{office_id}/CARDIAC_ADULT@1"
    assert answer.json()["answers"] == {
        "experience": {"options": ["ge2"], "number": None},
        "pool": {"options": ["outside"], "number": None},
    }
    assert answer.json()["unanswered"] == ["queue_time"]
    [event] = await registration.published(ChoiceInformationChanged)
    assert (event.key, event.version) == (f"{office_id}/CARDIAC_ADULT", 1)
    assert event.choice_information.provider_id == OURS
    assert [(each.question, each.options) for each in event.choice_information.answers] == [
        ("experience", ("ge2",)),
        ("pool", ("outside",)),
    ]
    shown = await registration.http(Role.PROVIDER, OURS).get(f"/offices/{office_id}/choice-information/CARDIAC_ADULT")
    assert shown.json() == answer.json()


async def test_the_same_answers_again_are_no_news(registration, office_id):
    for _ in range(2):
        answer = await answer_choices(registration, office_id, {"queue_time": 6})
        assert (answer.status_code, answer.json()["version"]) == (200, 1)
    assert len(await registration.published(ChoiceInformationChanged)) == 1


async def test_every_answer_stays_in_the_history(registration, office_id):
    """R-SRCH-9: entered, updated, withdrawn; who and when, Kela's officers by their role."""
    first_at = registration.clock.now
    await answer_choices(registration, office_id, {"pool": "none", "queue_time": 6})
    second_at = datetime(2024, 6, 3, 9, tzinfo=UTC)
    await registration.clock.set(second_at)
    await answer_choices(registration, office_id, {"queue_time": 4})
    path = f"/offices/{office_id}/choice-information/CARDIAC_ADULT"
    corrected = await registration.http().put(path, json={"answers": {"queue_time": 5}})
    assert corrected.status_code == 200
    provider = registration.http(Role.PROVIDER, OURS)
    items = (await provider.get(f"{path}/history")).json()["items"]
    assert [(each["role"], each["detail"]["answers"], datetime.fromisoformat(each["at"])) for each in items] == [
        ("provider", {"pool": ["none"], "queue_time": 6}, first_at),
        ("provider", {"pool": [], "queue_time": 4}, second_at),
        ("officer", {"queue_time": 5}, second_at),
    ]
    assert [each["actor"] is None for each in items] == [False, False, True]
    page = (await provider.get(f"{path}/history", params={"limit": 1})).json()
    rest = (await provider.get(f"{path}/history", params={"after": page["next"]})).json()
    assert ([*page["items"], *rest["items"]], rest["next"]) == (items, None)


async def test_a_question_of_a_later_wave_is_refused_until_its_day(registration):
    """R-SRCH-6: midnight in Helsinki opens it."""
    await registered_contract(registration, service="RHEUMA_ADULT")
    office_id = await registered_office(registration)
    await registration.clock.set(datetime(2025, 10, 31, 21, 59, 59, tzinfo=UTC))
    refused = await answer_choices(registration, office_id, {"pool": "none"}, "RHEUMA_ADULT")
    assert (refused.status_code, refused.json()["code"]) == (409, "CHOICE_QUESTION_NOT_OPEN")
    assert refused.json()["values"] == {
        "question": "pool",
        "reason": "later",
        "opens_on": "2025-11-01",
        "open": [],
    }
    assert "2025-11-01" in refused.json()["detail"]
    assert await registration.published(ChoiceInformationChanged) == []
    await registration.clock.set(datetime(2025, 10, 31, 22, tzinfo=UTC))
    assert (await answer_choices(registration, office_id, {"pool": "none"}, "RHEUMA_ADULT")).status_code == 200


@pytest.mark.parametrize(
    ("answers", "service", "status", "code"),
    [
        ({"pool": "in_the_yard"}, "CARDIAC_ADULT", 422, "CHOICE_OPTION_UNKNOWN"),
        ({"queue_time": 105}, "CARDIAC_ADULT", 422, "CHOICE_NUMBER_OUT_OF_RANGE"),
        ({"queue_time": "long"}, "CARDIAC_ADULT", 422, "CHOICE_ANSWER_KIND"),
        ({"sauna": "yes"}, "CARDIAC_ADULT", 422, "CHOICE_QUESTION_UNKNOWN"),
        ({"pool": "none"}, "CAREGIVER", 409, "SERVICE_NOT_PROVIDED"),
        ({"pool": "none"}, "NOT_A_SERVICE", 409, "SERVICE_NOT_PROVIDED"),
        ({"pool": True}, "CARDIAC_ADULT", 422, "VALIDATION"),
        ({"pool": "X" * 65}, "CARDIAC_ADULT", 422, "VALIDATION"),
        ({"pool": -1}, "CARDIAC_ADULT", 422, "VALIDATION"),
        ({"queue_time": 1.5}, "CARDIAC_ADULT", 422, "VALIDATION"),
    ],
)
async def test_an_answer_that_cannot_be_is_refused_and_nothing_stored(
    registration, office_id, answers, service, status, code
):
    """R-SRCH-9: each with its code; the allowed values are in the answer, never what was sent."""
    answer = await answer_choices(registration, office_id, answers, service)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert "in_the_yard" not in answer.text
    assert "sauna" not in answer.text
    assert await registration.published(ChoiceInformationChanged) == []
    async with registration.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM choice_answers") == 0


async def test_answers_decided_on_an_old_version_are_stale(registration, office_id):
    """If-Match: 412; before the first answer the version is 0."""
    assert (await answer_choices(registration, office_id, {"queue_time": 6}, **{"if-match": '"0"'})).status_code == 200
    answer = await answer_choices(registration, office_id, {"queue_time": 8}, **{"if-match": '"0"'})
    assert (answer.status_code, answer.json()["values"]) == (412, {"current": 1})


async def test_another_providers_answers_do_not_exist(registration, office_id):
    await answer_choices(registration, office_id, {"queue_time": 6})
    stranger = registration.http(Role.PROVIDER, THEIRS)
    path = f"/offices/{office_id}/choice-information/CARDIAC_ADULT"
    answers = [
        await stranger.get(path),
        await stranger.get(f"{path}/history"),
        await stranger.put(path, json={"answers": {}}),
    ]
    assert [(each.status_code, each.json()["code"]) for each in answers] == [(404, "OFFICE_UNKNOWN")] * 3
    assert len(await registration.published(ChoiceInformationChanged)) == 1


async def test_anybody_reads_the_questions_with_their_days_and_sources(registration):
    """R-SRCH-5: what is asked later is listed with its day."""
    nobody = registration.http(None)
    heart = (await nobody.get("/service-descriptions/CARDIAC_ADULT/choice-questions")).json()["items"]
    assert [(each["code"], each["open"]) for each in heart] == [
        ("experience", True),
        ("pool", True),
        ("queue_time", True),
    ]
    rare = (await nobody.get(f"/service-descriptions/{RARE}/choice-questions")).json()["items"]
    assert [(each["code"], each["open"], each["valid_from"]) for each in rare] == [
        ("experience", False, "2026-01-01"),
        ("pool", False, "2026-01-01"),
    ]
    unknown = await nobody.get("/service-descriptions/NOT_A_SERVICE/choice-questions")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "SERVICE_UNKNOWN")


async def answer_both(registration, office_id: str, monkeypatch, *, locked: bool) -> list[object]:
    """Two updates that have both read the answers before either writes, unless the lock stops the second."""

    async def answer(weeks: int) -> object:
        async with registration.transaction() as tx:
            return await handlers.set_answers(tx, office_id, "CARDIAC_ADULT", {"queue_time": weeks}, if_match=None)

    meet(registration, monkeypatch, store, "lock_information", "get_information", locking=locked)
    outcomes = await asyncio.gather(answer(4), answer(8), return_exceptions=True)
    monkeypatch.undo()
    return list(outcomes)


async def test_two_updates_are_put_in_line_by_the_row_lock(registration, office_id, monkeypatch):
    """Every version is published once, also the first."""
    outcomes = await answer_both(registration, office_id, monkeypatch, locked=True)
    assert not any(isinstance(outcome, BaseException) for outcome in outcomes)
    assert [event.version for event in await registration.published(ChoiceInformationChanged)] == [1, 2]


async def test_without_the_row_lock_two_updates_collide(registration, office_id, monkeypatch):
    """Negative control: the guard off, one update is decided on a version that is no longer the current one."""
    await answer_choices(registration, office_id, {"queue_time": 6})
    outcomes = await answer_both(registration, office_id, monkeypatch, locked=False)
    assert any(isinstance(outcome, asyncpg.UniqueViolationError) for outcome in outcomes)


async def test_questions_are_published_with_their_service_and_never_again_unchanged(registration):
    """R-SRCH-5, R-REG-13: one event per service; loading is idempotent."""
    published = await registration.published(ServiceDescriptionPublished)
    assert {event.service: event.choice_questions for event in published} == QUESTIONS
    await registration.db.run(descriptions.load_descriptions)
    assert len(await registration.published(ServiceDescriptionPublished)) == len(published)


async def test_a_new_question_is_published_and_an_older_release_does_not_take_it_back(registration):
    """A rolling update runs two releases at once."""
    described = descriptions.read_descriptions()["CAREGIVER"]
    more = (*QUESTIONS["CAREGIVER"], QUESTIONS[RARE][1])
    async with registration.transaction() as tx:
        await descriptions.publish_descriptions(tx, "CAREGIVER", described, more)
    event = (await registration.published(ServiceDescriptionPublished))[-1]
    assert (event.version, event.descriptions, event.choice_questions) == (2, described, more)
    before = len(await registration.published())
    await registration.db.run(descriptions.load_descriptions)
    assert len(await registration.published()) == before


EXPERIENCE = {
    "code": "experience",
    "question_version": 1,
    "valid_from": "2022-01-01",
    "kind": "one_of",
    "texts": {"fi": "Kokemus", "sv": "Erfarenhet", "en": "Experience"},
    "options": [
        {"code": "lt2", "texts": {"fi": "alle", "sv": "under", "en": "under"}, "below": 2},
        {"code": "ge2", "texts": {"fi": "yli", "sv": "över", "en": "over"}, "at_least": 2},
    ],
}
ASKED = {"code": "experience", "from": "2024-01-01", "sources": {"asked": "demo", "from": "demo"}}


@pytest.mark.parametrize(
    ("versions", "asked", "fault"),
    [
        ([EXPERIENCE | {"code": "pool"}], [ASKED], "question of its name"),
        ([EXPERIENCE, EXPERIENCE], [ASKED], "do not rise"),
        ([EXPERIENCE, EXPERIENCE | {"question_version": 2, "valid_from": "2025-01-01"}], [ASKED], "in force on"),
        ([EXPERIENCE | {"options": EXPERIENCE["options"][:1]}], [ASKED], "cannot be answered"),
        ([EXPERIENCE | {"kind": "number"}], [ASKED], "cannot be answered"),
        ([EXPERIENCE | {"kind": "number", "options": [], "minimum": 2, "maximum": 1}], [ASKED], "cannot be answered"),
        ([EXPERIENCE | {"added": 1}], [ASKED], "does not fit its form"),
        ([EXPERIENCE], [ASKED | {"code": "pool"}], "no question pool"),
        ([EXPERIENCE], [ASKED, ASKED], "twice"),
        ([EXPERIENCE], [ASKED | {"until": "2023-12-31"}], "never asked"),
        ([EXPERIENCE], [ASKED | {"since": "2023-12-31"}], "does not fit its form"),
    ],
)
def test_question_files_that_contradict_themselves_are_not_loaded(tmp_path, versions, asked, fault):
    """E-46 among them: classes that leave a number out stop the start with the name of the file."""
    for folder in ("questions", "services"):
        (tmp_path / folder).mkdir()
    (tmp_path / "questions" / "experience.json").write_text(json.dumps(versions))
    (tmp_path / "services" / "care.json").write_text(json.dumps({"service": "CAREGIVER", "questions": asked}))
    with pytest.raises(QuestionFault, match=fault):
        read_questions(tmp_path)


def test_a_question_that_changes_is_asked_in_each_wording_on_its_days(tmp_path):
    """E-13 for questions: a new version has its own first day; the wave begins where the service begins."""
    for folder in ("questions", "services"):
        (tmp_path / folder).mkdir()
    versions = [
        EXPERIENCE | {"valid_to": "2024-12-31"},
        EXPERIENCE | {"question_version": 2, "valid_from": "2025-01-01"},
    ]
    (tmp_path / "questions" / "experience.json").write_text(json.dumps(versions))
    asked = ASKED | {"until": "2025-06-30"}
    (tmp_path / "services" / "care.json").write_text(json.dumps({"service": "CAREGIVER", "questions": [asked]}))
    assert [
        (each.question_version, each.valid_from, each.valid_to) for each in read_questions(tmp_path)["CAREGIVER"]
    ] == [
        (1, date(2024, 1, 1), date(2024, 12, 31)),
        (2, date(2025, 1, 1), date(2025, 6, 30)),
    ]
