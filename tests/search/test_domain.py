"""The rules of the search, without a database."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.municipalities import distance_km
from contracts.refusals import Invalid
from contracts.values import CourseState, Coverage
from services.search import domain
from services.search.domain import AgeGroup, OfferedService
from services.search.municipalities import municipality_register

REGISTER = municipality_register()
MUNICIPALITIES = [near.code for near in REGISTER.nearest_first(REGISTER["091"])]


def a_service(**differences) -> OfferedService:
    return OfferedService(
        **{
            "service": "CARDIAC_ADULT",
            "coverage": Coverage.NATIONAL,
            "languages": frozenset({"fi", "sv"}),
            "ages": AgeGroup(18, None),
            "age_groups": (AgeGroup(None, 67), AgeGroup(68, None)),
            **differences,
        }
    )


def test_there_are_308_municipalities():
    assert len(REGISTER) == 308
    assert len(MUNICIPALITIES) == len(set(MUNICIPALITIES)) == 308


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("599", "599"),
        ("Pedersöre", "599"),
        ("Pedersören kunta", "599"),
        ("PEDERSORE", "599"),
        ("  pedersören   KUNTA ", "599"),
        ("Maarianhamina", "478"),
        ("Mariehamn", "478"),
        ("Maarianhamina/Mariehamn", "478"),
        ("Maarianhamina - Mariehamn", "478"),
        ("Helsingfors", "091"),
        ("Åbo", "853"),
        ("abo", "853"),
        ("aanekoski", "992"),
        ("Koski", "284"),
        ("Koski Tl", "284"),
        ("588", "507"),
        ("Pertunmaa", "507"),
        ("099", "214"),
        ("Honkajoki", "214"),
        ("911", "541"),
        ("Valtimo", "541"),
    ],
)
def test_a_municipality_is_known_by_its_code_and_all_its_names(text: str, code: str):
    assert REGISTER.get_by_code_or_name(text).code == code


@pytest.mark.parametrize("text", ["", " ", "000", "Atlantis", "Kuop", "'; --", "29７"])
def test_what_is_no_municipality_is_refused(text: str):
    with pytest.raises(Invalid) as refused:
        REGISTER.get_by_code_or_name(text)
    assert refused.value.code == "MUNICIPALITY_UNKNOWN"
    assert refused.value.values == {}


def test_no_two_municipalities_share_a_name():
    names = [name for code in MUNICIPALITIES for name in domain.searchable(REGISTER[code])]
    assert len(names) == len(set(names))


def test_a_prefix_finds_whole_names_first_and_then_in_finnish_order():
    assert [m.name_fi for m in REGISTER.find_by_prefix("ka", 3)] == ["Kaarina", "Kaavi", "Kajaani"]
    assert REGISTER.find_by_prefix("salo", 5)[0].name_fi == "Salo"
    assert [m.name_fi for m in REGISTER.find_by_prefix("peders", 5)] == ["Pedersören kunta"]
    assert [m.name_fi for m in REGISTER.find_by_prefix("ahtari", 5)] == ["Ähtäri"]
    assert [m.name_fi for m in REGISTER.find_by_prefix("588", 5)] == ["Mäntyharju"]
    assert REGISTER.find_by_prefix("karlö", 5)[0].name_fi == "Hailuoto"
    assert REGISTER.find_by_prefix("zz", 5) == REGISTER.find_by_prefix(" - ", 5) == []


@given(st.text(max_size=60))
def test_any_text_can_be_looked_for(text: str):
    found = REGISTER.find_by_prefix(text, 10)
    assert len(found) <= 10


@given(st.sampled_from(MUNICIPALITIES), st.sampled_from([str.upper, str.lower, str.title, domain.fold]))
def test_a_name_is_found_however_it_is_written(code: str, written):
    municipality = REGISTER[code]
    for name in (municipality.name_fi, municipality.name_sv, municipality.name_en):
        assert REGISTER.get_by_code_or_name(written(name)) is municipality
        assert REGISTER.find_by_prefix(written(name), 1) == [municipality]


def test_distances_are_those_of_the_map():
    helsinki, kuopio, mariehamn = REGISTER["091"], REGISTER["297"], REGISTER["478"]
    assert distance_km(helsinki, kuopio) == pytest.approx(335, abs=5)
    assert distance_km(helsinki, mariehamn) == pytest.approx(277, abs=5)


@given(st.sampled_from(MUNICIPALITIES), st.sampled_from(MUNICIPALITIES))
def test_a_distance_is_the_same_both_ways(here: str, there: str):
    a, b = REGISTER[here], REGISTER[there]
    assert distance_km(a, b) == distance_km(b, a)
    assert (distance_km(a, b) == 0) == (here == there)


@given(st.sampled_from(MUNICIPALITIES))
def test_ones_own_municipality_is_nearest_and_none_is_left_out(code: str):
    near = REGISTER.nearest_first(REGISTER[code])
    assert near[0] == domain.Near(code, 0.0, same_region=True)
    assert [n.distance_km for n in near] == sorted(n.distance_km for n in near)
    assert {n.code for n in near} == set(MUNICIPALITIES)


@given(st.lists(st.sampled_from(["Ala", "Zeta", "Åbo", "äiti", "Ähtäri", "Öja"]), unique=True))
def test_names_are_ordered_as_a_finnish_reader_expects(names: list[str]):
    expected = ["Ala", "Zeta", "Åbo", "Ähtäri", "äiti", "Öja"]
    assert sorted(names, key=domain.name_order) == [name for name in expected if name in names]


@pytest.mark.parametrize(
    ("age", "language", "fit"),
    [(17, None, False), (18, None, True), (68, "sv", True), (67, "fi", True), (None, None, True), (68, "en", False)],
)
def test_a_service_fits_by_age_and_language(age: int | None, language: str | None, fit: bool):
    assert domain.fits(a_service(), age=age, language=language) is fit


def test_a_service_with_age_groups_is_for_the_ages_they_hold():
    with_hole = a_service(age_groups=(AgeGroup(None, 60), AgeGroup(68, None)))
    assert [age for age in (17, 18, 60, 61, 67, 68) if domain.fits(with_hole, age=age, language=None)] == [18, 60, 68]


@given(st.integers(0, 120))
def test_every_age_is_on_one_side_of_68(age: int):
    """E-46: "under 68" and "68 and over" leave nobody out."""
    assert AgeGroup(None, 67).holds(age) != AgeGroup(68, None).holds(age)


@pytest.mark.parametrize(
    ("state", "first_day", "offered"),
    [
        (CourseState.PUBLISHED, date(2024, 4, 9), True),
        (CourseState.CONFIRMED, date(2024, 4, 9), True),
        (CourseState.CONFIRMED, date(2024, 4, 8), False),
        (CourseState.CREATED, date(2024, 4, 9), False),
        (CourseState.RUNNING, date(2024, 4, 9), False),
        (CourseState.COMPLETED, date(2024, 4, 9), False),
        (CourseState.DELETED, date(2024, 4, 9), False),
        (CourseState.CANCELLED, date(2024, 4, 9), False),
    ],
)
def test_a_course_is_offered_until_its_first_day(state: CourseState, first_day: date, offered: bool):
    assert domain.is_offered(state, first_day, today=date(2024, 4, 8)) is offered
