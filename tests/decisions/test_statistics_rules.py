"""The rules of the figures, without a database: forecasts, who took part, ages, what is too few to show; charts."""

from datetime import date
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.values import PinState
from services.decisions.statistics import domain
from services.decisions.statistics.charts import Chart, Series, svg, ticks
from services.decisions.statistics.domain import Method, Period, Stay

Y2022 = [43, 56, 59, 48, 77, 61, 45, 79, 69, 63, 52, 56]
Y2023 = [82, 96, 138, 55, 84, 103, 36, 73, 63, 57, 67, 60]
Y2024 = [93, 77, 77, 89, 71, 76, 66, 79, 0, 0, 0, 0]
SVG = "{http://www.w3.org/2000/svg}"

a_year = st.lists(st.integers(0, 2000), min_size=12, max_size=12)


def a_stay(**differences) -> Stay:
    """On a course of two periods, 9.-13.12.2024 and 3.-7.2.2025."""
    facts = {
        "client_ref": "client-1",
        "decision_ref": "decision-1",
        "course_id": "course-1",
        "state": PinState.FULFILLED,
        "planned": None,
        "attended": (),
        "periods": (
            Period(1, date(2024, 12, 9), date(2024, 12, 13)),
            Period(2, date(2025, 2, 3), date(2025, 2, 7)),
        ),
    }
    return Stay(**(facts | differences))


def test_acceptance_example_9_942_by_the_line_950_by_2022_and_861_by_2023():
    """E-56: Jan-Aug 2024 = 628; two methods exceed the estimate of 930, one does not."""
    complete = domain.complete_months(2024, date(2024, 9, 1))
    assert (sum(Y2024), sum(Y2022), sum(Y2023), complete) == (628, 708, 914, 8)
    found = domain.forecasts(Y2024, complete, {2023: Y2023, 2022: Y2022})
    assert [(each.method, each.basis_year, each.total) for each in found] == [
        (Method.STRAIGHT_LINE, None, 942),
        (Method.SEASONALITY, 2022, 950),
        (Method.SEASONALITY, 2023, 861),
    ]


@given(a_year, a_year)
def test_every_forecast_of_a_whole_year_is_the_year(months, earlier):
    """E-56."""
    assert {each.total for each in domain.forecasts(months, 12, {2023: earlier})} == {sum(months)}


@given(a_year, a_year, st.integers(1, 11))
def test_a_forecast_by_seasonality_never_is_below_what_there_is(months, earlier, complete):
    """E-56: and there is none where the earlier year had nobody in those months."""
    found = domain.by_seasonality(months, complete, earlier)
    assert (found is None) == (sum(earlier[:complete]) == 0)
    assert found is None or found >= sum(months[:complete])


def test_before_the_first_month_is_over_there_is_no_forecast():
    """E-56."""
    assert domain.forecasts(Y2024, 0, {2023: Y2023}) == []


def test_a_course_that_crosses_the_year_counts_once_as_started_and_twice_as_participated():
    """E-63, R-STA-2."""
    later = date(2025, 6, 1)
    assert domain.started_in([a_stay()], 2024, later) == {"client-1": date(2024, 12, 9)}
    assert domain.started_in([a_stay()], 2025, later) == {}
    assert domain.participated_in([a_stay()], 2024, later) == {"client-1": date(2024, 12, 9)}
    assert domain.participated_in([a_stay()], 2025, later) == {"client-1": date(2025, 2, 3)}


def test_what_has_not_begun_is_not_participation():
    """E-63."""
    assert domain.participated_in([a_stay(state=PinState.ACTIVE)], 2025, date(2025, 2, 2)) == {}


def test_a_client_who_changed_course_started_once_where_the_path_began():
    """E-20, E-63: the first period here, the second on another course the year after."""
    here = a_stay(state=PinState.MOVED, attended=(1,))
    there = a_stay(course_id="course-2", planned=(2,))
    later = date(2025, 6, 1)
    assert domain.started_in([there, here], 2024, later) == {"client-1": date(2024, 12, 9)}
    assert domain.started_in([there, here], 2025, later) == {}
    assert domain.participated_in([there, here], 2025, later) == {"client-1": date(2025, 2, 3)}


def test_who_left_took_part_in_what_was_noted_only():
    """E-20, E-63."""
    left = a_stay(state=PinState.INTERRUPTED, attended=(1,))
    assert domain.participated_in([left], 2025, date(2025, 6, 1)) == {}
    assert domain.participated_in([a_stay(state=PinState.RELEASED)], 2024, date(2025, 6, 1)) == {}


def test_who_completed_a_course_took_part_in_what_was_attended():
    """E-20, E-63: a period that was missed is none, and one begun is planned until it is noted otherwise."""
    completed = a_stay(state=PinState.FULFILLED, attended=(2,))
    assert [period.number for period in completed.taken_part(date(2026, 1, 1))] == [2]
    assert started_years(completed) == [2025]
    unnoted = a_stay(state=PinState.FULFILLED)
    assert started_years(unnoted) == started_years(a_stay()) == [2024]


def started_years(stay):
    return [year for year in (2024, 2025) if domain.started_in([stay], year, date(2026, 1, 1))]


def test_the_group_that_began_has_those_who_were_to_attend_the_first_period():
    """R-CRS-51."""
    begun = {"course-1": date(2024, 12, 9), "course-2": date(2024, 3, 4), "course-3": date(2023, 3, 6)}
    stays = [a_stay(), a_stay(decision_ref="decision-2"), a_stay(decision_ref="decision-3", planned=(2,))]
    assert domain.start_sizes(begun, stays, 2024) == {2: 1, 0: 1}


@pytest.mark.parametrize(
    ("birth_date", "birth_year", "youngest"),
    [
        (date(1954, 12, 10), None, 60),
        (date(1954, 12, 9), None, 70),
        (None, 1954, 70),
        (date(1920, 1, 1), None, 80),
        (date(2024, 12, 8), None, 0),
    ],
)
def test_ages_are_whole_years_on_the_day(birth_date, birth_year, youngest):
    """E-63."""
    found = domain.age_group(birth_date, birth_year, date(2024, 12, 9))
    assert found is not None
    assert found.youngest == youngest
    assert domain.age_group(None, None, date(2024, 12, 9)) is None


@given(st.lists(st.integers(0, 12), min_size=1, max_size=10))
def test_fewer_than_five_are_not_shown_and_cannot_be_worked_out(counts):
    """E-63: what is left out is two groups or more, together at least five, or there is no total to subtract from."""
    shown, total = domain.without_small(counts)
    assert all(cell is None or cell == count for cell, count in zip(shown, counts, strict=True))
    assert all(cell is None for cell, count in zip(shown, counts, strict=True) if 0 < count < 5)
    hidden = [count for cell, count in zip(shown, counts, strict=True) if cell is None]
    if total is not None:
        assert total == sum(counts)
        assert not hidden or (len(hidden) > 1 and sum(hidden) >= 5)


def test_control_hiding_one_small_group_alone_would_give_it_away():
    """E-63: the negative control of leaving out a second group."""
    counts = [3, 9, 20]
    naive = [count if count >= 5 else None for count in counts]
    assert sum(counts) - sum(count for count in naive if count is not None) == 3
    assert domain.without_small(counts) == ([None, None, 20], 32)


@given(st.integers(0, 100_000))
def test_an_axis_reaches_the_highest_value_in_few_round_steps(highest):
    marks = ticks(highest)
    assert marks[0] == 0
    assert marks[-1] >= max(highest, 1)
    assert len(marks) <= 7
    assert str(marks[1]).strip("0") in ("1", "2", "5")


@pytest.mark.parametrize("label", ["2", "a label that does not fit below a bar that is one of two, beside the other"])
def test_a_chart_has_a_title_a_description_a_legend_and_a_bar_for_each_value(label):
    """E-61, R-STA-1: WCAG 2.2, 1.1.1; a value that is left out has no bar, and text is escaped."""
    chart = Chart("Clients <&>", "Bars", ("1", label), (Series("a & b", (4, None)), Series("c", (0, 7))))
    assert chart.horizontal == (label != "2")
    root = ElementTree.fromstring(svg([chart], "here"))
    assert root.get("role") == "img"
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert desc is not None
    assert (title.text, desc.text) == ("Clients <&>", "Bars")
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    assert len(root.findall(f"{SVG}rect")) == 1 + 2 + 3
    said = " ".join(text.text or "" for text in root.findall(f"{SVG}text"))
    assert all(text in said for text in ("a & b", "c", "1", label.split()[0]))
    assert ("–" in said) == chart.horizontal


def test_charts_of_one_figure_stand_below_one_another():
    """R-STA-1, R-BIL-10: each with its own title, scale and ids; none over the other."""
    few, many = (Chart(name, "d", ("1",), (Series(name, (value,)),)) for name, value in (("few", 2), ("many", 900)))
    root = ElementTree.fromstring(svg([few, many], "x"))
    first, second = root.findall(f"{SVG}svg")
    assert float(second.get("y") or "") == float(first.get("height") or "")
    assert (root.get("viewBox") or "").split()[3] == f"{2 * float(first.get('height') or '0'):g}"
    ids = [each.get("id") for each in root.iter() if each.get("id")]
    assert len(ids) == len(set(ids)) == 4
    assert {picture.get("role") for picture in (first, second)} == {"img"}


@given(
    st.lists(st.text("abcdefgh ", min_size=1, max_size=50), min_size=1, max_size=14),
    st.lists(st.text("abcdefgh ", min_size=1, max_size=40), min_size=1, max_size=4),
    st.integers(0, 30_000),
)
def test_nothing_of_a_chart_is_outside_the_picture(labels, names, highest):
    """R-STA-1: whatever the labels and values are."""
    values = tuple(highest * place // len(labels) for place, _ in enumerate(labels, 1))
    root = ElementTree.fromstring(svg([Chart("t", "d", tuple(labels), tuple(Series(n, values) for n in names))], "x"))
    _, _, width, height = (float(number) for number in (root.get("viewBox") or "").split())
    for bar in root.iter(f"{SVG}rect"):
        x, y, wide, high = (float(bar.get(name) or "") for name in ("x", "y", "width", "height"))
        assert 0 <= x <= x + wide <= width + 0.2
        assert 0 <= y <= y + high <= height + 0.2
    for text in root.iter(f"{SVG}text"):
        wide = 8.2 * len((text.text or "").strip())
        begin = (
            float(text.get("x") or "") - {"start": 0, "middle": wide / 2, "end": wide}[text.get("text-anchor") or ""]
        )
        assert begin >= -2
        assert begin + wide <= width + 2
        assert float(text.get("y") or "") <= height
