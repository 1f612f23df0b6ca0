"""The pure rules of the gateway."""

from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from chassis.knowing import MOST_SUBJECTS, merge_marks, well_formed_marks
from services.gateway import domain
from services.gateway.search_form import Problem, SearchForm, read_search_form
from services.gateway.visitor import LANGUAGE_COOKIE, words_for


def asked(**query):
    return read_search_form({"municipality": "Kuopio", "age": "67", "language": "fi", **query}, "fi")


def test_a_page_without_a_question_has_no_problems():
    form = read_search_form({}, "sv")
    assert (form.asked, form.problems, form.language) == (False, {}, "sv")


def test_a_filled_in_form_is_read():
    assert asked(service="CARDIAC_ADULT") == SearchForm("Kuopio", "67", "fi", "CARDIAC_ADULT", asked=True)


def test_spaces_around_and_inside_a_name_do_not_matter():
    assert asked(municipality="  Pedersören   kunta ").municipality == "Pedersören kunta"


def test_every_wrong_field_is_named():
    form = read_search_form({"municipality": " ", "age": "", "language": "xx", "service": "<b>"}, "fi")
    assert form.problems == {
        "municipality": Problem.MUNICIPALITY_MISSING,
        "age": Problem.AGE_MISSING,
        "language": Problem.LANGUAGE_UNKNOWN,
        "service": Problem.SERVICE_UNKNOWN,
    }
    assert (form.language, form.service, form.years) == ("fi", "", None)


def test_an_age_is_whole_years_from_0_to_120():
    assert [asked(age=age).problems.get("age") for age in ("0", "120", "121", "-1", "6,5", "٣", "999999999999")] == [
        None,
        None,
        Problem.AGE_OUT_OF_RANGE,
        Problem.AGE_NOT_A_NUMBER,
        Problem.AGE_NOT_WHOLE,
        Problem.AGE_NOT_A_NUMBER,
        Problem.AGE_OUT_OF_RANGE,
    ]


def test_what_is_pasted_into_the_form_is_understood():
    """E-48: full-width digits, what nobody sees, and the unit of an age."""
    form = asked(municipality="\u200b Kuopio\u200e", age="６７ v")
    assert (form.municipality, form.age, form.years, form.problems) == ("Kuopio", "67", 67, {})


def test_a_language_just_chosen_goes_before_one_remembered_before_the_browsers():
    assert language_of("/sv", "en", "fi") == "sv"
    assert language_of("/xx", "en", "fi") == "en"
    assert language_of("/", "xx", "de, sv-FI;q=0.8, en;q=0.9") == "en"
    assert language_of("/", "", "de;q=1, sv;q=0, nonsense;q=x") == "fi"
    assert language_of("/", "", "") == "fi"


def language_of(path: str, remembered: str, accepted: str) -> str:
    headers = {"cookie": f"{LANGUAGE_COOKIE}={remembered}", "accept-language": accepted}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "path": path, "query_string": b"", "headers": raw, "server": ("gateway", 80)}
    return words_for(Request({**scope, "method": "GET", "scheme": "http"})).language


def test_marks_that_are_not_marks_are_left_out():
    header = "course:01a@3, pin:D1-AAAA7@12,,course:two words@1, course:x@-1, Course:x@1, quota:CARDIAC_ADULT/2024@9"
    assert well_formed_marks(header) == ["course:01a@3", "pin:D1-AAAA7@12", "quota:CARDIAC_ADULT/2024@9"]


marks = st.lists(st.builds("course:{}@{}".format, st.integers(0, 40), st.integers(1, 9)), max_size=60)


@given(held=marks, seen=marks)
def test_a_session_knows_the_newest_version_of_the_latest_twenty_subjects(held, seen):
    known = merge_marks(held, seen)
    subjects = [mark.rpartition("@")[0] for mark in known]
    latest = list(dict.fromkeys(mark.rpartition("@")[0] for mark in reversed([*held, *seen])))[:MOST_SUBJECTS]
    assert sorted(subjects) == sorted(latest)
    newest = {
        subject: max(int(m.rpartition("@")[2]) for m in [*held, *seen] if m.startswith(f"{subject}@"))
        for subject in latest
    }
    assert all(f"{subject}@{version}" in known for subject, version in newest.items())


def test_a_proxied_path_never_climbs():
    assert domain.is_plain_path("courses/01a/pins")
    assert not any(map(domain.is_plain_path, ("", "../livez", "a/../b", "a//b", "a/", "./a", "a\\b")))


def test_only_answers_from_1_to_5_to_known_statements_count():
    form = {"statement-1": "1", "statement-2": "6", "statement-3": "five", "statement-4": "", "statement-99": "2"}
    assert domain.read_answers(form, [1, 2, 3, 4, 5]) == {"1": 1}
