"""What the search answers to good and bad questions besides offices."""

import logging
from typing import Any

import pytest

from contracts.municipalities import ATTRIBUTION
from contracts.values import Coverage, Language
from services.search import views
from services.search.app import SERVICE
from tests.openapi import watched
from tests.search.builders import Search, a_contract, a_course, a_description, a_service

HETU = "131052-308T"


BAD_QUESTIONS: list[tuple[str, dict[str, Any], int, str]] = [
    ("/offices", {"municipality": "Atlantis"}, 422, "MUNICIPALITY_UNKNOWN"),
    ("/offices", {"municipality": "000"}, 422, "MUNICIPALITY_UNKNOWN"),
    ("/offices", {"municipality": ""}, 422, "MUNICIPALITY_UNKNOWN"),
    ("/offices", {"municipality": "x" * 61}, 422, "MUNICIPALITY_UNKNOWN"),
    ("/offices", {"municipality": "Kuopio\x00"}, 422, "TEXT_CONTROL_CHARACTER"),
    ("/offices", {"municipality": HETU}, 422, "PERSONAL_IDENTITY_CODE"),
    ("/offices", {"age": 500}, 422, "AGE_OUT_OF_RANGE"),
    ("/offices", {"age": -1}, 422, "AGE_INVALID"),
    ("/offices", {"age": "sixty"}, 422, "AGE_INVALID"),
    ("/offices", {"age": "68,5"}, 422, "AGE_NOT_WHOLE"),
    ("/offices", {"age": 10**30}, 422, "AGE_OUT_OF_RANGE"),
    ("/offices", {"language": "en"}, 422, "VALIDATION"),
    ("/offices", {"service": "NO_SUCH_SERVICE"}, 422, "SERVICE_UNKNOWN"),
    ("/offices", {"service": "'; DROP TABLE"}, 422, "VALIDATION"),
    ("/offices", {"limit": 0}, 422, "VALIDATION"),
    ("/offices", {"limit": "1.0"}, 422, "VALIDATION"),
    ("/offices", {"limit": 101}, 422, "VALIDATION"),
    ("/offices", {"after": "!"}, 422, "CURSOR_INVALID"),
    ("/offices", {"after": "bnVsbA"}, 422, "CURSOR_INVALID"),
    ("/offices", {"after": "WzEsMiwzLDRd"}, 422, "CURSOR_INVALID"),
    ("/offices", {"after": "WyJcdTAwMDAiLCAiXHUwMDAwIiwgIlx1MDAwMCIsICJcdTAwMDAiXQ"}, 422, "CURSOR_INVALID"),
    ("/offices", {"after": "WyJcdWQ4MDAiLCAiIiwgIiIsICIiXQ"}, 422, "CURSOR_INVALID"),
    ("/offices", {"municipality": "091", "after": "WyIwMDAiLCAiYSIsICJiIiwgImMiXQ"}, 422, "CURSOR_INVALID"),
    ("/municipalities", {}, 422, "VALIDATION"),
    ("/municipalities", {"q": ""}, 422, "MUNICIPALITY_UNKNOWN"),
    ("/municipalities", {"q": HETU}, 422, "PERSONAL_IDENTITY_CODE"),
    ("/services", {"municipality": "Atlantis"}, 422, "MUNICIPALITY_UNKNOWN"),
    ("/services", {"age": 500}, 422, "AGE_OUT_OF_RANGE"),
    ("/courses/1", {}, 404, "COURSE_UNKNOWN"),
    ("/courses/0", {}, 422, "VALIDATION"),
    ("/courses/99999999999", {}, 422, "VALIDATION"),
    ("/courses/first", {}, 422, "VALIDATION"),
]


async def test_a_bad_question_is_refused_by_code_and_not_repeated(search: Search):
    for path, query, status, code in BAD_QUESTIONS:
        answer = await search.get(path, **query)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (path, query)
        assert answer.headers["content-type"] == "application/problem+json"
        for said in query.values():
            assert len(str(said)) < 4 or str(said) not in answer.text


async def test_what_a_client_pastes_is_understood(search: Search):
    """E-48: invisible marks, full-width digits, a code without its zeros, and the unit of an age."""
    await search.given_one_office(a_course())
    usual = (await search.get("/offices", municipality="091", age=67)).json()
    assert usual["municipality"]["code"] == "091"
    for municipality, age in (
        *(("91", "67 v"), ("\u200e０９１\u200b", "６７"), ("Helsinki\u00a0", "67 vuotta"), ("９１", "67\u00a0v.")),
        *(
            ("\u202bHelsinki\u202c", "\u200e67"),
            ("Hel\u200bsinki", "67 år"),
            ("Helsingfors", "67 years"),
            ("091", " 67 "),
        ),
    ):
        assert (await search.get("/offices", municipality=municipality, age=age)).json() == usual
    assert (await search.get("/municipalities", q="\ufeff91")).json()["items"][0]["code"] == "091"


async def test_every_refusal_is_translated(search: Search):
    for code in ("municipality-unknown", "service-unknown", "course-unknown", "cursor-invalid"):
        texts = {search.service.runtime.texts.text(language, code) for language in ("fi", "sv", "en")}
        assert len(texts) == 3
        assert code not in texts


async def test_nothing_of_a_question_is_logged_or_kept_on_the_way(search: Search, caplog: pytest.LogCaptureFixture):
    """E-49."""
    caplog.set_level(logging.DEBUG)
    await search.given_one_office(a_course())
    caplog.clear()
    answer = await search.get("/offices", municipality="Kuopio", age=71, language="fi")
    assert answer.headers["Cache-Control"] == "no-store"
    own = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert [
        record.getMessage() for record in own if "Kuopio" in record.getMessage() or "71" in record.getMessage()
    ] == []


async def test_municipalities_are_found_while_they_are_typed(search: Search):
    answer = await search.get("/municipalities", q="pedersö")
    page = views.MunicipalitiesView.model_validate_json(answer.content)
    assert [(m.code, m.names.fi, m.names.sv) for m in page.items] == [("599", "Pedersören kunta", "Pedersöre")]
    assert page.attribution == ATTRIBUTION
    assert "public" in answer.headers["Cache-Control"], "no person is in a list of municipalities"
    assert len((await search.get("/municipalities", q="k", limit=3)).json()["items"]) == 3


async def test_services_that_fit_are_listed(search: Search):
    regional = a_description(
        service="OMA_VAYLA",
        coverage=Coverage.REGIONAL,
        is_course=False,
        min_age=16,
        max_age=29,
        age_groups=(),
        target_groups=(),
        languages=(Language.FI,),
    )
    await search.given_one_office(a_service(descriptions=[regional]))

    async def services(**query: Any) -> list[str]:
        answer = await search.get("/services", **query)
        return [item.service for item in views.ServicesView.model_validate_json(answer.content).items]

    assert await services() == ["CARDIAC_ADULT", "OMA_VAYLA"]
    assert await services(age=17) == ["OMA_VAYLA"]
    assert await services(age=30) == ["CARDIAC_ADULT"]
    assert await services(language="sv") == ["CARDIAC_ADULT"]
    assert await services(municipality="Kuopio") == ["CARDIAC_ADULT"], "nobody in the region offers the regional one"
    await search.given(a_contract(contract_id="contract-ov", service="OMA_VAYLA"))
    assert await services(municipality="Siilinjärvi") == ["CARDIAC_ADULT", "OMA_VAYLA"]
    assert await services(municipality="Helsinki") == ["CARDIAC_ADULT"]


async def test_an_office_of_a_service_without_courses_is_found(search: Search):
    plain = a_description(service="OMA_VAYLA", is_course=False, min_age=16, max_age=29, age_groups=())
    await search.given_one_office(
        a_service(descriptions=[plain]), a_contract(contract_id="contract-ov", service="OMA_VAYLA")
    )
    (item,) = await search.offices(age=20, service="OMA_VAYLA")
    assert (item["service"], item["courses"]) == ("OMA_VAYLA", [])


async def test_groups_that_the_description_does_not_name_show_their_codes(search: Search):
    await search.given_one_office(a_course(target_groups=("RARE",), age_group="OTHER", min_age=50, max_age=60))
    (course,) = await search.courses()
    assert course["target_groups"] == [{"code": "RARE", "names": None}]
    assert course["age_group"] == {"code": "OTHER", "names": None, "min_age": 50, "max_age": 60}


async def test_the_search_consumes_every_topic_it_is_declared_for(search: Search):
    assert SERVICE.topics == {
        "rekku.registrations",
        "rekku.service-descriptions",
        "rekku.courses",
        "rekku.quotas",
        "rekku.feedback",
    }


async def test_marks_of_a_known_caller_that_cannot_be_read_are_refused_as_documented(service, search):
    """An anonymous caller's are not looked at."""
    with watched(service):
        answer = await search.kela.get("/quotas", headers={"rekku-known": "quota"})
        assert (answer.status_code, answer.json()["code"]) == (422, "REKKU_KNOWN_INVALID")
        assert (await search.http.get("/quotas", headers={"rekku-known": "quota"})).status_code == 200
