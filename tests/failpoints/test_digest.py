"""The digest calls the things of a year by name, and nothing else."""

from tests.failpoints.workload import Names


def test_a_year_is_named_wherever_it_stands_for_itself():
    names = Names(2038)
    assert names.of("key-2038-n3 2038-01-15 in 2038") == "key-‹year›-n3 ‹year›-01-15 in ‹year›"


def test_a_year_inside_an_identifier_is_not_the_year():
    names = Names(2038)
    of_another_year = "01a20b5b-2038-7329-a2b5-9dc063f64f66"
    assert names.of(of_another_year) == of_another_year
    names.call(of_another_year, "course")
    assert names.of(f"/courses/{of_another_year}/pins in 2038") == "/courses/‹course›/pins in ‹year›"
