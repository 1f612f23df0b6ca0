"""The public search, with the real search service behind it."""

import re
from datetime import date

import pytest

from contracts.courses import CoursePublished
from contracts.decisions import Quota, QuotaFilled, QuotaScope, QuotaScopeFilled
from contracts.registration import (
    ChoiceAnswer,
    ChoiceInformation,
    ChoiceInformationChanged,
    ChoiceOption,
    ChoiceQuestion,
    LocalisedText,
)
from contracts.values import ChoiceKind, CourseState, DeliveryMode, Language, PeriodKind
from services.gateway import handlers
from services.search.app import SERVICE as SEARCH
from tests.gateway.builders import OFFICE, PROVIDER, SERVICE_CODE, a_course, a_description_event, a_period, tell_search

QUESTION = {"municipality": "Kuopio", "age": "67", "language": "fi"}


def words(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page.text).split())


async def test_the_front_page_speaks_three_languages(gateway, search):
    for path, title, municipality in (
        ("/fi", "Löydä kuntoutuskurssi", "Asuinkunta"),
        ("/sv", "Hitta en rehabiliteringskurs", "Boendekommun"),
        ("/en", "Find a rehabilitation course", "Municipality of residence"),
    ):
        page = await gateway.browser().get(path)
        assert page.status_code == 200
        assert f'<html lang="{path[1:]}">' in page.text
        assert title in words(page)
        assert municipality in words(page)
        assert page.headers["content-language"] == path[1:]


async def test_without_a_choice_the_browsers_language_decides_and_finnish_is_the_default(gateway, search):
    assert 'lang="sv"' in (await gateway.browser("sv-FI,sv;q=0.9").get("/")).text
    assert '<html lang="fi">' in (await gateway.browser("de").get("/")).text


async def test_a_chosen_language_is_remembered(gateway, search):
    browser = gateway.browser("fi")
    await browser.get("/sv")
    assert '<html lang="sv">' in (await browser.get("/")).text
    assert '<html lang="en">' in (await browser.get("/?lang=en")).text


async def test_every_field_has_its_label_and_the_list_of_municipalities(gateway, search):
    page = (await gateway.browser("fi").get("/")).text
    for field in ("municipality", "age", "service"):
        assert f'<label class="hds-text-input__label" for="{field}">' in page
        assert f'id="{field}"' in page
    assert "<legend" in page
    assert page.count("<option value=") > 308
    assert '<option value="Pedersören kunta">' in page


async def test_results_show_offices_with_courses_and_free_places(gateway, search):
    """R-SRCH-3."""
    page = await gateway.browser("fi").get("/", params=QUESTION)
    shown = words(page)
    assert "Tuulikellon kuntoutuskeskus Tuulikello Oy Kuopio · kotikunnassasi Sydänkurssi" in shown
    assert "1 toimipiste 1 kurssi 7 vapaata paikkaa" in shown
    assert 'aria-label="10 paikkaa, joista 7 vapaana"' in page.text
    assert page.text.count("dot--taken") == 3
    assert page.text.count("dot--free") == 7
    assert "8.–12.4.2024 Kasvokkain" in shown
    assert "4,6 / 5" in shown
    assert "Viisi on paras. 12 vastausta." in shown
    assert "kurssit@tuulikello.example" in shown
    assert "Vahvistamatta" in shown
    assert "Sepelvaltimo" in shown


async def test_what_an_office_answers_is_shown_in_the_pages_language(gateway, search):
    """R-SRCH-9: the questions and options by their texts, a number as it is; without answers no heading."""
    assert "Tietoa valinnan tueksi" not in words(await gateway.browser("fi").get("/", params=QUESTION))
    pool = ChoiceQuestion(
        code="pool",
        question_version=1,
        kind=ChoiceKind.ONE_OF,
        texts=LocalisedText(fi="Allastilat", sv="Bassängutrymmen", en="Pool facilities"),
        options=(ChoiceOption(code="none", texts=LocalisedText(fi="Ei", sv="Inga", en="None")),),
        valid_from=date(2022, 5, 1),
    )
    queue = pool.model_copy(
        update={
            "code": "queue_time",
            "kind": ChoiceKind.NUMBER,
            "texts": LocalisedText(fi="Jonotusaika viikkoina", sv="Kötid i veckor", en="Queue time in weeks"),
            "options": (),
        }
    )
    described = a_description_event().model_copy(update={"version": 2, "choice_questions": (pool, queue)})
    answers = (ChoiceAnswer(question="pool", options=("none",)), ChoiceAnswer(question="queue_time", number=6))
    given = ChoiceInformation(office_id=OFFICE, provider_id=PROVIDER, service=SERVICE_CODE, answers=answers)
    await search.deliver(described, ChoiceInformationChanged(version=1, choice_information=given))
    for language, expected in (
        ("fi", "Tietoa valinnan tueksi Allastilat Ei Jonotusaika viikkoina 6"),
        ("sv", "Information som stöder valet Bassängutrymmen Inga Kötid i veckor 6"),
    ):
        assert expected in words(await gateway.browser(language).get("/", params=QUESTION))


async def test_confirmed_full_and_online_are_said(gateway, search):
    """R-SRCH-14: the mode of each period."""
    online = a_period(
        2, kind=PeriodKind.CLOSING, mode=DeliveryMode.ONLINE, first_day=date(2024, 6, 3), last_day=date(2024, 6, 4)
    )
    course = a_course(
        state=CourseState.CONFIRMED,
        confirmed_on=date(2024, 1, 10),
        pinned=10,
        occupied=10,
        periods=(a_period(), online),
    )
    await search.deliver(CoursePublished(version=2, course=course))
    shown = words(await gateway.browser("fi").get("/", params=QUESTION))
    assert "Vahvistettu" in shown
    assert "Ei vapaita paikkoja / 10" in shown
    assert "3.–4.6.2024 Verkossa" in shown


async def test_too_few_answers_show_no_average(gateway, new_service):
    search = await new_service(SEARCH)
    await tell_search(search, answers=0)
    gateway.put_behind(search)
    shown = words(await gateway.browser("fi").get("/", params=QUESTION))
    assert "Palautetta on vielä liian vähän näytettäväksi." in shown
    assert "/ 5" not in shown


async def test_the_distance_is_in_whole_kilometres(gateway, search):
    shown = words(await gateway.browser("sv").get("/", params={**QUESTION, "municipality": "Helsingfors"}))
    assert re.search(r"Kuopio · cirka \d{3} km", shown)


async def test_nothing_found_is_told_kindly(gateway, search):
    shown = words(await gateway.browser("en").get("/", params={**QUESTION, "language": "sv"}))
    assert "No courses match your search" in shown


async def test_what_is_pasted_into_the_search_is_found_and_an_age_in_parts_gets_its_reason(gateway, search):
    """E-48: the page shows the age in whole years."""
    for municipality, age in (
        ("\u200b297", "６７ v"),
        ("\u200e２９７", "67 vuotta"),
        ("\u202bKuopio\u202c", "\u00a067"),
    ):
        page = await gateway.browser("fi").get("/", params={**QUESTION, "municipality": municipality, "age": age})
        assert "Tuulikellon kuntoutuskeskus" in words(page)
        assert 'name="age" value="67"' in page.text
    page = await gateway.browser("fi").get("/", params={**QUESTION, "age": "68,5"})
    assert "Kirjoita ikä kokonaisina vuosina, esimerkiksi 68 eikä 68,5." in words(page)
    assert 'value="68,5"' in page.text


async def test_an_unknown_municipality_brings_suggestions(gateway, search):
    page = await gateway.browser("fi").get("/", params={**QUESTION, "municipality": "Kupio"})
    assert "Tämän nimistä kuntaa ei löytynyt." in words(page)
    assert "/fi?municipality=Kuopio&amp;age=67&amp;language=fi" in page.text
    assert 'aria-invalid="true"' in page.text


async def test_errors_are_summed_up_with_links_to_their_fields(gateway, search):
    page = await gateway.browser("en").get("/", params={"municipality": "", "age": "old", "language": "fi"})
    assert "Check 2 things" in words(page)
    assert '<a href="#municipality">Write the name of your municipality.</a>' in page.text
    assert '<a href="#age">Write your age in digits, for example 67.</a>' in page.text
    assert 'aria-describedby="age-hint age-error"' in page.text
    assert 'value="old"' in page.text


async def test_what_is_typed_comes_back_as_text(gateway, search):
    page = await gateway.browser("en").get("/", params={**QUESTION, "municipality": '"><script>alert(1)</script>'})
    assert "<script" not in page.text


async def test_a_full_quota_is_announced(gateway, search):
    quota = Quota(service=SERVICE_CODE, year=2024, estimate=930, limit=930, used=930)
    await search.deliver(QuotaFilled(version=1, quota=quota))
    front = words(await gateway.browser("fi").get("/"))
    assert "Kiintiö on täynnä: Sydänkurssi 2024." in front
    assert "Kelan arvio uusista asiakkaista: Sydänkurssi 2024, 930." in front
    assert "Kiintiö on täynnä: Sydänkurssi 2024." in words(await gateway.browser("fi").get("/", params=QUESTION))


async def test_a_full_quota_of_an_area_is_announced(gateway, search):
    """E-55, R-DEC-14: with the area's name, beside the service's own quota."""
    scopes = (QuotaScope(area="08", limit=40, used=40), QuotaScope(language=Language.SV, limit=9, used=2))
    quota = Quota(service=SERVICE_CODE, year=2024, limit=930, used=400, scopes=scopes)
    await search.deliver(QuotaScopeFilled(version=1, quota=quota, area="08"))
    front = words(await gateway.browser("fi").get("/"))
    assert "Kiintiö on täynnä: Sydänkurssi, Pirkanmaan hyvinvointialue 2024." in front
    assert "Kiintiö: Sydänkurssi 2024, enintään 930 uutta asiakasta." in front
    assert "Kiintiö: Sydänkurssi, Ruotsi 2024, enintään 9 uutta asiakasta." in front
    assert front.count("Kiintiö on täynnä") == 1


async def test_a_spoilt_place_in_the_list_starts_it_again(gateway, search):
    page = await gateway.browser("fi").get("/", params={**QUESTION, "after": "nonsense"})
    assert "Tuulikellon kuntoutuskeskus" in words(page)


async def test_a_course_has_a_page_of_its_own(gateway, search):
    shown = words(await gateway.browser("fi").get("/courses/993"))
    assert "Kurssi 993" in shown
    assert "Aloitusjakso 8.–12.4.2024 Kasvokkain" in shown
    assert "Kurssi vahvistetaan, kun osallistujia on tarpeeksi." in shown
    assert "Tuulikellon kuntoutuskeskus" in shown


async def test_a_course_that_is_not_there_is_not_found(gateway, search):
    for number in ("994", "abc", "9" * 30, "-1"):
        page = await gateway.browser("fi").get(f"/courses/{number}")
        assert page.status_code == 404
        assert "Kurssia ei löytynyt" in words(page)


async def test_a_search_that_is_down_gives_a_page_that_says_so(gateway):
    gateway.put_behind(search="http://127.0.0.1:9")
    page = await gateway.browser("fi").get("/", params=QUESTION)
    assert page.status_code == 503
    assert page.headers["retry-after"]
    assert "Palvelu ei juuri nyt vastaa" in words(page)
    assert "Kuopio" not in page.text


@pytest.mark.usefixtures("impatient")
async def test_a_search_that_has_not_caught_up_with_the_visitor_says_to_try_again(gateway, search):
    """Never as if the municipality were wrong, or nothing were found."""
    browser = await gateway.provider()
    cookie = browser.cookies["rekku-session"]
    marks, limits = ["course:course-1@2"], gateway.state.settings.sessions
    await gateway.service.db.run(lambda tx: handlers.remember_known(tx, cookie, marks, limits))
    page = await browser.get("/", params=QUESTION)
    assert page.status_code == 503
    assert "The service does not answer right now" in words(page)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("fi", "Tätä kurssia ei ole haussa."),
        ("sv", "Den här kursen finns inte i sökningen."),
        ("en", "This course is not in the search."),
    ],
)
async def test_a_course_that_is_none_is_spoken_of_without_a_gap(gateway, search, language, sentence):
    for number in ("x", "99999"):
        answer = await gateway.browser(language).get(f"/courses/{number}")
        assert answer.status_code == 404
        assert sentence in words(answer)
