"""Places go and come back, feedback appears, and what a caller knows is waited for."""

import asyncio
from datetime import date
from decimal import Decimal

import pytest

from contracts.courses import CourseConfirmed, CoursePlacesChanged
from contracts.decisions import EstimateSet, QuotaFilled, QuotaReopened, QuotaScope, QuotaScopeSet
from contracts.registration import ContactChanged
from contracts.values import CourseState, Language
from services.search import views
from tests.search.builders import (
    HEART,
    Search,
    a_contract,
    a_course,
    a_feedback_average,
    a_provider,
    a_quota,
    a_service,
    an_office,
)


async def free_places(search: Search) -> list[int]:
    return [course["free_places"] for course in await search.courses()]


async def test_pins_take_places_and_a_revocation_gives_one_back(search: Search):
    """R-CRS-11, R-SRCH-13, E-21."""
    await search.given_one_office(a_course(2))
    assert await free_places(search) == [12]
    for version, occupied in ((3, 1), (4, 2), (5, 12)):
        await search.given(a_course(version, CoursePlacesChanged, pinned=occupied, occupied=occupied))
        assert await free_places(search) == [12 - occupied]
    await search.given(a_course(6, CoursePlacesChanged, pinned=11, occupied=11))
    assert await free_places(search) == [1]


async def test_free_places_are_never_negative(search: Search):
    """E-50."""
    await search.given_one_office(a_course(2, group_size=6, pinned=7, occupied=7))
    assert await free_places(search) == [0]


async def test_a_confirmed_course_is_shown_as_certain(search: Search):
    await search.given_one_office(
        a_course(3, CourseConfirmed, state=CourseState.CONFIRMED, confirmed_on=date(2024, 1, 15), occupied=6, pinned=6)
    )
    (course,) = await search.courses()
    assert (course["state"], course["confirmed"], course["free_places"]) == ("confirmed", True, 6)


async def test_without_five_answers_the_reason_is_said(search: Search):
    await search.given_one_office()
    (item,) = await search.offices()
    assert item["feedback"] == {"average": None, "answers": None, "reason": "too_few_answers"}


async def test_a_published_average_is_shown_for_its_office_and_service(search: Search):
    """R-SRCH-4."""
    await search.given_one_office(
        a_feedback_average(average=Decimal("4.6"), answers=7),
        an_office(office_id="office-turku", name="Turku", municipality_code="853"),
        a_feedback_average(office_id="office-turku", service="RHEUMA_ADULT", average=Decimal("1.2")),
    )
    kuopio, turku = await search.offices(municipality="Kuopio")
    assert kuopio["feedback"] == {"average": 4.6, "answers": 7, "reason": None}
    assert turku["feedback"]["average"] is None


async def test_an_average_of_four_answers_never_gets_in(search: Search):
    await search.given_one_office(a_feedback_average(answers=4))
    (item,) = await search.offices()
    assert item["feedback"]["average"] is None
    assert len(await search.rows("dead_letters")) == 1


async def test_nothing_incomplete_is_shown_whatever_came_first(search: Search):
    """Another topic may be slower: each half waits, and the last one makes the offering whole."""
    for event in (a_feedback_average(), a_course(), a_contract(), an_office(), a_service()):
        await search.given(event)
        assert await search.offices() == []
        assert (await search.get("/courses/976")).status_code == 404
    await search.given(a_provider())
    (item,) = await search.offices()
    assert [course["course_number"] for course in item["courses"]] == [976]
    assert item["feedback"]["average"] == 4.6
    assert (await search.get("/courses/976")).status_code == 200


async def test_a_changed_contact_is_shown_at_once(search: Search):
    await search.given_one_office(a_contract(2, ContactChanged, contact=None))
    assert [item["contact"] for item in await search.offices()] == [None]


async def test_a_caller_sees_what_it_has_just_written(search: Search):
    await search.given_one_office(a_course(2))
    knows = {"Rekku-Known": "course:course-976@3, pin:unknown-to-the-search@9"}
    asking = asyncio.create_task(search.kela.get("/offices", headers=knows))
    await asyncio.sleep(0)
    await search.given(a_course(3, CoursePlacesChanged, occupied=1, pinned=1))
    (item,) = (await asking).json()["items"]
    assert [course["free_places"] for course in item["courses"]] == [11]


async def test_every_subject_can_be_waited_for(search: Search):
    await search.given_one_office(a_course(2), a_feedback_average(3), a_quota(4))
    knows = ",".join(
        [
            "provider:2828286-3@1",
            "office:office-kuopio@1",
            "contract:contract-fi@1",
            "service:CARDIAC_ADULT@1",
            "course:course-976@2",
            "feedback:office-kuopio/CARDIAC_ADULT@3",
            "quota:CARDIAC_ADULT/2024@4",
        ]
    )
    assert (await search.kela.get("/offices", headers={"Rekku-Known": knows})).status_code == 200


@pytest.mark.usefixtures("impatient")
async def test_what_is_not_there_in_time_is_said_to_be_unknown_yet(search: Search):
    knows = {"Rekku-Known": "course:course-976@1"}
    answer = await search.kela.get("/offices", headers=knows)
    assert (answer.status_code, answer.json()["code"]) == (503, "NOT_YET_KNOWN")
    assert answer.headers["Retry-After"]
    assert (await search.http.get("/offices", headers=knows)).status_code == 200  # nobody in particular does not wait


async def test_quotas_of_areas_and_languages_are_public(search: Search):
    """R-DEC-8, R-DEC-14, E-55: with the service's, each with whether it is full; under one row of versions."""
    full = QuotaScope(area="08", limit=2, used=2)
    others = (
        QuotaScope(language=Language.SV, estimate=9, used=20),
        QuotaScope(area="08", language="fi", limit=2, used=1),
        QuotaScope(area="13", limit=2, used=2, suspended=True),
    )
    await search.given(a_service(), a_quota(1, limit=930), a_quota(2, QuotaScopeSet, limit=930, scopes=(full, *others)))
    (quota,) = views.QuotasView.model_validate_json((await search.get("/quotas")).content).items
    assert (quota.limit, quota.status) == (930, "open")
    assert [(s.area, s.language, s.estimate, s.limit, s.status) for s in quota.scopes] == [
        ("08", None, None, 2, "full"),
        (None, "sv", 9, None, "open"),
        ("08", "fi", None, 2, "open"),
        ("13", None, None, 2, "suspended"),
    ]
    names = quota.scopes[0].area_names
    assert names is not None
    assert (names.fi, names.sv) == ("Pirkanmaan hyvinvointialue", "Birkalands välfärdsområde")
    known = await search.kela.get("/quotas", headers={"rekku-known": f"quota:{HEART}/2024@2"})
    assert known.status_code == 200


async def test_quotas_and_estimates_are_public(search: Search):
    async def quotas() -> list[dict[str, object]]:
        answer = await search.get("/quotas")
        return [quota.model_dump() for quota in views.QuotasView.model_validate_json(answer.content).items]

    assert await quotas() == []
    await search.given(a_service(), a_quota(1, EstimateSet, estimate=930), a_quota(1, year=2023, limit=780))
    (quota,) = await quotas()
    assert (quota["year"], quota["estimate"], quota["limit"], quota["status"]) == (2024, 930, None, "open")
    assert quota["service_names"] == {"fi": "Sydänkurssi", "sv": "Hjärtkurs", "en": "Cardiac course"}
    await search.given(a_quota(2, QuotaFilled, estimate=930, limit=930, used=930))
    assert [(q["limit"], q["status"]) for q in await quotas()] == [(930, "full")]
    await search.given(a_quota(3, QuotaReopened, estimate=930, limit=1000, used=930))
    assert [(q["limit"], q["status"]) for q in await quotas()] == [(1000, "open")]
    await search.given(a_quota(4, limit=1000, used=930, suspended=True))
    assert [q["status"] for q in await quotas()] == ["suspended"]
    await search.given(a_quota(5, limit=0, used=0))
    assert [q["status"] for q in await quotas()] == ["full"]
