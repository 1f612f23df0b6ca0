"""What offices answer to help clients choose, as the public sees it."""

from datetime import UTC, date, datetime

from contracts.registration import ChoiceAnswer
from services.search import choices, views
from tests.search.builders import (
    HEART,
    Search,
    a_contract,
    a_provider,
    a_question,
    a_service,
    an_office,
    choice_information,
    text,
)

POOL_AND_QUEUE = (a_question(), a_question("queue_time", (), unit="weeks"))


async def test_an_offices_answers_are_shown_with_their_texts(search: Search):
    """R-SRCH-9, R-SRCH-11: codes and texts in every language, in the order of the questions."""
    await search.given_one_office(
        a_service(2, questions=POOL_AND_QUEUE),
        choice_information(
            1,
            ChoiceAnswer(question="queue_time", number=6),
            ChoiceAnswer(question="pool", options=("at_office",)),
        ),
    )
    page = views.OfferingsView.model_validate_json((await search.get("/offices", municipality="Kuopio")).content)
    pool, queue = page.items[0].choice_information
    assert (pool.question, pool.names.sv, pool.number, pool.unit) == ("pool", "pool sv", None, None)
    assert [(option.code, option.names and option.names.en) for option in pool.options] == [
        ("at_office", "at_office en")
    ]
    assert (queue.question, queue.options, queue.number, queue.unit) == ("queue_time", [], 6, "weeks")


async def test_without_answers_nothing_is_shown(search: Search):
    await search.given_one_office(a_service(2, questions=POOL_AND_QUEUE))
    assert [item["choice_information"] for item in await search.offices()] == [[]]


async def test_answers_are_shown_only_while_their_question_is_asked(search: Search):
    """R-SRCH-5, R-SRCH-6: the wave opens at midnight in Helsinki; a question that is over is shown no more."""
    question = a_question(valid_from=date(2024, 1, 16), valid_to=date(2024, 1, 17))
    await search.given_one_office(a_service(2, questions=[question]), choice_information())

    async def shown(now: datetime) -> int:
        await search.service.clock.set(now)
        return len((await search.offices())[0]["choice_information"])

    assert await shown(datetime(2024, 1, 15, 21, 59, tzinfo=UTC)) == 0
    assert await shown(datetime(2024, 1, 15, 22, tzinfo=UTC)) == 1
    assert await shown(datetime(2024, 1, 17, 21, 59, tzinfo=UTC)) == 1
    assert await shown(datetime(2024, 1, 17, 22, tzinfo=UTC)) == 0


async def test_an_update_is_shown_and_belongs_to_its_office_and_service_alone(search: Search):
    """R-SRCH-9."""
    await search.given(
        a_service(questions=[a_question()]),
        a_provider(),
        an_office(),
        an_office(office_id="office-turku", name="Turku", municipality_code="853"),
        a_contract(),
        choice_information(1),
        choice_information(2, ChoiceAnswer(question="pool", options=("none",))),
        choice_information(1, service="CAREGIVER"),
    )
    shown = {item["office"]["office_id"]: item["choice_information"] for item in await search.offices()}
    assert [option["code"] for option in shown["office-kuopio"][0]["options"]] == ["none"]
    assert shown["office-turku"] == []


async def test_the_search_says_when_it_knows_an_answer(search: Search):
    """`Rekku-Known`: an answer just entered is waited for."""
    await search.given_one_office(choice_information(2))
    headers = {"rekku-known": f"choice-information:office-kuopio/{HEART}@2"}
    assert (await search.kela.get("/offices", headers=headers)).status_code == 200


async def test_services_are_listed_without_their_questions(search: Search):
    """The questions are published by registration; the list of services keeps its shape."""
    await search.given_one_office(a_service(2, questions=POOL_AND_QUEUE))
    views.ServicesView.model_validate_json((await search.get("/services")).content)


def test_an_option_no_question_names_any_more_keeps_its_code():
    question = a_question().model_dump(mode="json")
    answers = [{"question": "pool", "options": ["in_the_lake", "none"], "number": None}]
    (shown,) = choices.shown([question], answers, date(2024, 1, 15))
    assert shown["options"] == [
        {"code": "in_the_lake", "names": None},
        {"code": "none", "names": text("none").model_dump()},
    ]
