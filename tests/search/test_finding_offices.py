"""The search as a client uses it: where, for whom, in which language."""

from datetime import UTC, date, datetime

import pytest

from contracts.courses import (
    CourseBegan,
    CourseCancelled,
    CourseChanged,
    CourseConfirmed,
    CourseCreated,
    CourseDeleted,
    CourseRescheduled,
)
from contracts.registration import ContractValidityChanged
from contracts.values import CourseState, Coverage, Language
from services.search import views
from tests.search.builders import (
    FROM_68,
    PROVIDER,
    UNDER_68,
    Search,
    a_contract,
    a_course,
    a_feedback_average,
    a_provider,
    a_service,
    an_office,
)


async def test_an_answer_has_the_shape_it_documents(search: Search):
    """R-SRCH-7, R-SRCH-8: for anybody, per office, from what was registered."""
    await search.given_one_office(a_course(age_group="FROM_68", min_age=68), a_feedback_average())
    page = views.OfferingsView.model_validate_json((await search.get("/offices", municipality="Kuopio")).content)
    (item,) = page.items
    assert item.office.name == "Kuopion toimipiste"
    assert item.office.street_address == "Puijonkatu 1"
    assert item.municipality
    assert item.municipality.names.sv == "Kuopio"
    assert item.distance_km == 0
    assert item.provider.provider_id == PROVIDER
    assert item.service_names
    assert item.service_names.sv == "Hjärtkurs"
    assert item.contact
    assert item.contact.email == "kurssit@example.fi"
    assert (item.feedback.average, item.feedback.answers, item.feedback.reason) == (4.6, 5, None)
    (course,) = item.courses
    assert (course.course_number, course.confirmed, course.group_size, course.free_places) == (976, False, 12, 12)
    assert [period.first_day for period in course.periods] == [date(2024, 4, 8), date(2024, 9, 5)]
    assert [group.names and group.names.en for group in course.target_groups] == ["Coronary artery disease"]
    assert course.age_group
    assert (course.age_group.names and course.age_group.names.en, course.age_group.min_age) == ("68 and over", 68)
    assert "Statistics Finland" in page.attribution


async def test_a_client_of_68_in_pedersore_finds_national_services_in_swedish(search: Search):
    """Acceptance example 14, E-48."""
    await search.given(
        a_service(),
        a_provider(),
        an_office(),
        a_contract(),
        a_contract(contract_id="contract-sv", language=Language.SV),
        a_course(
            course_id="sv-old",
            course_number=977,
            contract_id="contract-sv",
            language=Language.SV,
            min_age=68,
            age_group="FROM_68",
        ),
        a_course(
            course_id="sv-young",
            course_number=993,
            contract_id="contract-sv",
            language=Language.SV,
            max_age=67,
            age_group="UNDER_68",
        ),
        a_course(course_id="sv-all", course_number=994, contract_id="contract-sv", language=Language.SV),
        a_course(course_id="fi-old", course_number=975, min_age=68, age_group="FROM_68"),
    )
    for municipality in ("599", "Pedersöre", "Pedersören kunta", "pedersore"):
        (item,) = await search.offices(municipality=municipality, age=68, language="sv")
        assert item["language"] == "sv"
        assert [course["course_number"] for course in item["courses"]] == [977, 994]
        assert item["distance_km"] == pytest.approx(255, abs=15)
    (young,) = await search.offices(municipality="599", age=67, language="sv")
    assert [course["course_number"] for course in young["courses"]] == [993, 994]


async def test_a_course_for_every_age_is_found_by_everybody(search: Search):
    """E-47: the year's last course, opened to every age, shows no age group."""
    await search.given_one_office(a_course(max_age=67, age_group="UNDER_68"))
    assert await search.courses(age=75) == []
    await search.given(a_course(3, CourseChanged, mixed_age=True, min_age=18))
    for age in (40, 75):
        (course,) = await search.courses(age=age)
        assert course["age_group"] is None


async def test_moved_dates_and_a_grown_group_are_shown(search: Search):
    """R-CRS-15, R-CRS-32: the search follows the course."""
    await search.given_one_office(a_course())
    await search.given(a_course(3, CourseChanged, group_size=14))
    await search.given(a_course(4, CourseRescheduled, group_size=14, first_day=date(2025, 1, 13)))
    (course,) = await search.courses()
    assert (course["first_day"], course["free_places"]) == ("2025-01-13", 14)


@pytest.mark.parametrize(("gone", "today"), [("588", "507"), ("099", "214"), ("911", "541"), ("Pertunmaa", "507")])
async def test_a_dissolved_municipality_is_its_successor(search: Search, gone: str, today: str):
    await search.given_one_office()
    assert (await search.get("/offices", municipality=gone)).json()["municipality"]["code"] == today


async def test_an_office_registered_in_a_dissolved_municipality_is_found_in_its_successor(search: Search):
    await search.given_one_office(an_office(2, municipality_code="588"))
    (item,) = await search.offices(municipality="Mäntyharju")
    assert (item["municipality"]["code"], item["distance_km"]) == ("507", 0)


async def test_offices_come_nearest_first_and_then_by_name(search: Search):
    await search.given_one_office(
        an_office(office_id="tku", name="Åbo", municipality_code="853"),
        an_office(office_id="hki-ö", name="Öster", municipality_code="091"),
        an_office(office_id="hki-ä", name="äiti", municipality_code="091"),
        an_office(office_id="hki-å", name="Åminne", municipality_code="091"),
        an_office(office_id="hki-z", name="Zeta", municipality_code="091"),
        an_office(office_id="espoo", name="Aalto", municipality_code="049"),
    )
    found = await search.offices(municipality="Helsingfors")
    assert [item["office"]["name"] for item in found] == [
        "Zeta",
        "Åminne",
        "äiti",
        "Öster",
        "Aalto",
        "Åbo",
        "Kuopion toimipiste",
    ]
    assert [item["distance_km"] for item in found] == sorted(item["distance_km"] for item in found)
    by_name = await search.offices()
    assert [item["office"]["name"] for item in by_name] == [
        "Aalto",
        "Kuopion toimipiste",
        "Zeta",
        "Åbo",
        "Åminne",
        "äiti",
        "Öster",
    ]
    assert {item["distance_km"] for item in by_name} == {None}


@pytest.mark.parametrize("query", [{"municipality": "Kuopio"}, {}])
async def test_pages_follow_one_another_without_gaps_or_repeats(search: Search, query: dict[str, str]):
    await search.given_one_office(
        *(
            an_office(office_id=f"office-{n:02}", name=f"Toimipiste {n % 4}", municipality_code=code)
            for n, code in enumerate(["091", "297", "564", "837", "853"] * 5)
        )
    )
    whole = [item["office"]["office_id"] for item in await search.offices(**query, limit=100)]
    assert len(whole) == 26
    walked: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = (await search.get("/offices", **query, limit=4, **after)).json()
        walked += [item["office"]["office_id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert walked == whole


async def test_a_regional_service_is_for_its_own_region(search: Search):
    """E-48, R-REG-1: a national service is everybody's."""
    await search.given_one_office(a_service(2, coverage=Coverage.REGIONAL))
    assert len(await search.offices(municipality="Siilinjärvi")) == 1
    assert await search.offices(municipality="Helsinki") == []
    assert len(await search.offices()) == 1


async def test_services_that_do_not_fit_the_client_are_not_shown(search: Search):
    """R-SRCH-2."""
    await search.given_one_office()
    assert await search.offices(age=17) == []
    assert await search.offices(language="sv") == []
    assert await search.offices(service="CARDIAC_ADULT", age=18, language="fi") != []


async def test_an_age_that_no_age_group_holds_does_not_fit(search: Search):
    hole = UNDER_68.model_copy(update={"max_age": 60})
    await search.given_one_office(a_service(2, age_groups=(hole, FROM_68)))
    assert await search.offices(age=64) == []
    assert len(await search.offices(age=60)) == 1


async def test_only_a_description_in_force_counts(search: Search):
    await search.given_one_office(a_service(2, valid_from=date(2024, 1, 16)))
    assert await search.offices() == []
    await search.service.clock.set(datetime(2024, 1, 15, 22, tzinfo=UTC))
    assert len(await search.offices()) == 1, "22:00 UTC is already the 16th in Helsinki"


async def test_only_a_contract_in_force_is_offered(search: Search):
    """E-45: Kela has set its last day."""
    await search.given_one_office(a_contract(2, ContractValidityChanged, valid_to=date(2024, 1, 15)))
    assert len(await search.offices()) == 1
    await search.service.clock.set(datetime(2024, 1, 16, 8, tzinfo=UTC))
    assert await search.offices() == []


async def test_a_closed_office_is_not_shown(search: Search):
    await search.given_one_office(an_office(2, open=False))
    assert await search.offices() == []
    await search.given(an_office(3))
    assert len(await search.offices()) == 1


async def test_a_created_course_is_not_visible_until_it_is_published(search: Search):
    """R-CRS-6, R-SRCH-12."""
    await search.given_one_office(a_course(1, CourseCreated, state=CourseState.CREATED))
    assert await search.courses() == []
    assert (await search.get("/courses/976")).status_code == 404
    await search.given(a_course(2))
    assert [course["course_number"] for course in await search.courses()] == [976]


async def test_a_course_that_has_begun_is_no_longer_offered(search: Search):
    confirmed = a_course(3, CourseConfirmed, state=CourseState.CONFIRMED, confirmed_on=date(2024, 3, 1))
    await search.given_one_office(confirmed)
    (course,) = await search.courses()
    assert (course["state"], course["confirmed"]) == ("confirmed", True)
    await search.service.clock.set(datetime(2024, 4, 8, 8, tzinfo=UTC))
    assert await search.courses() == [], "the first day has come, whether or not the course service said so"
    await search.service.clock.set(datetime(2024, 4, 1, 8, tzinfo=UTC))
    await search.given(a_course(4, CourseBegan, state=CourseState.RUNNING, confirmed_on=date(2024, 3, 1)))
    assert await search.courses() == []


async def test_an_unconfirmed_course_past_its_first_day_is_not_offered(search: Search):
    await search.given_one_office(a_course(first_day=date(2024, 1, 15)))
    assert await search.courses() == []
    await search.given(a_course(3, first_day=date(2024, 1, 16)))
    assert len(await search.courses()) == 1


async def test_only_free_leaves_out_offices_whose_fitting_courses_are_full(search: Search):
    await search.given_one_office(
        a_course(max_age=67, age_group="UNDER_68"),
        a_course(course_id="full", course_number=977, min_age=68, age_group="FROM_68", occupied=12, pinned=12),
    )
    assert len(await search.offices(only_free=True, age=67)) == 1
    assert await search.offices(only_free=True, age=68) == []
    assert len(await search.offices(age=68)) == 1


async def test_a_course_is_found_by_its_number_as_long_as_it_is_not_deleted(search: Search):
    """E-36."""
    await search.given_one_office(a_course())
    page = views.CoursePageView.model_validate_json((await search.get("/courses/976")).content)
    assert page.offered
    assert page.office.name == "Kuopion toimipiste"
    await search.given(a_course(3, CourseBegan, state=CourseState.RUNNING, confirmed_on=date(2024, 3, 1)))
    assert (await search.get("/courses/976")).json()["offered"] is False
    await search.given(a_course(4, state=CourseState.DELETED))
    answer = await search.get("/courses/976")
    assert (answer.status_code, answer.json()["code"]) == (404, "COURSE_UNKNOWN")


@pytest.mark.parametrize("state", [CourseState.DELETED, CourseState.CANCELLED])
async def test_a_course_that_is_not_held_is_gone_from_the_search(search: Search, state):
    """E-34, E-36: its free places are nobody's."""
    await search.given_one_office(a_course())
    assert len(await search.courses()) == 1
    ended = CourseDeleted if state is CourseState.DELETED else CourseCancelled
    await search.given(a_course(3, ended, state=state, pinned=0, occupied=0, holds_places=False))
    assert await search.courses() == []
    assert (await search.get("/courses/976")).status_code == 404
