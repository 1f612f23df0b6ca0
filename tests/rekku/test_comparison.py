"""The demo's comparison holds for what was planned, and fails for every figure that is off."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from io import StringIO

import pytest
from rich.console import Console

from contracts.values import ReportKind
from rekku.demo.billing import HalfYearPaid
from rekku.demo.changes import REPORT_WORDS, WORDS
from rekku.demo.comparison import FeedbackShown, as_planned, checks, exit_status, published_average
from rekku.demo.page import page
from rekku.demo.plan import make_plan
from rekku.demo.report import show


@pytest.fixture(scope="module")
def plan():
    return make_plan()


def failing(measured, plan, answered=None):
    compared = checks(measured, plan, answered or {})
    differing = [check.name for check in compared if not check.holds]
    assert exit_status(compared) == (1 if differing else 0)
    return differing


def test_what_was_planned_holds(plan):
    assert failing(as_planned(plan), plan) == []


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"forecasts": {"straight line": 941}}, "forecast 2024, straight line"),
        ({"forecasts": {"seasons of 2022": 949}}, "forecast 2024, seasons of 2022"),
        ({"contracts": 12}, "contracts"),
        ({"quota_remaining": 301}, "quota 2024, left"),
        ({"quota_used": 629}, "quota 2024, used"),
        ({"granted": 1}, "grants"),
        ({"rejected": 0}, "rejections at 2021's rate"),
        ({"revoked": 91}, "revocations"),
        ({"pinned": 2287}, "pins"),
        ({"unpinned": 0}, "automatic unpins"),
        ({"courses": 3}, "courses"),
        ({"confirmed": 3}, "confirmed courses"),
        ({"invitations": 3}, "survey invitations by SMS"),
        ({"answers": 1}, "survey answers"),
        ({"half_years": {}}, "costs 1–6/2023, €"),
        ({"half_years": {"1–6/2023": HalfYearPaid(1, 1, None)}}, "persons paid for 1–6/2023"),
        ({"settlements": 1}, "accepted settlements"),
        ({"settled": Decimal("1750.00")}, "accepted settlements, €"),
        ({"faults": ()}, "faults of the refused settlement"),
        ({"estimates": {2022: 811, 2023: 780, 2024: 930}}, "estimate 2022"),
        ({"inconsistencies": ("free places of course 7",)}, "free places of course 7"),
    ],
)
def test_a_wrong_figure_is_named(plan, wrong, named):
    assert named in failing(replace(as_planned(plan), **wrong), plan)


@pytest.mark.parametrize("figure", WORDS)
def test_a_change_that_happened_another_number_of_times_is_named(plan, figure):
    good = as_planned(plan)
    changes = replace(good.changes, **{figure: getattr(good.changes, figure) - 1})
    assert failing(replace(good, changes=changes), plan) == [WORDS[figure]]


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        (ReportKind.LATE_DELETION, 0),
        (ReportKind.CLIENT_LEFT_MUST_RUN_COURSE, 99),
        (ReportKind.MUST_RUN_COURSE_DELETED, 1),
    ],
)
def test_a_report_that_kela_should_not_or_did_not_get_is_named(plan, kind, count):
    good = as_planned(plan)
    changes = replace(good.changes, reports={**good.changes.reports, kind: count})
    assert failing(replace(good, changes=changes), plan) == [f"Kela was told of: {REPORT_WORDS[kind]}"]


def test_the_report_shows_the_changes_in_plain_words(plan):
    good = as_planned(plan)
    compared = checks(good, plan, {})
    console = Console(width=200, record=True, file=StringIO())
    show(console, good, plan, compared)
    told = console.export_text()
    html = page(good, compared, "1 s")
    for words in WORDS.values():
        assert words in told
        assert words in html


def test_the_report_shows_costs_beside_the_plan_and_what_was_refused(plan):
    """R-BIL-10, E-60."""
    good = as_planned(plan)
    bad = replace(good, half_years={**good.half_years, "1–6/2023": HalfYearPaid(1035, 1149, Decimal("166250.01"))})
    console = Console(width=200, record=True, file=StringIO())
    show(console, bad, plan, checks(bad, plan, {}))
    told = console.export_text()
    assert "115500.00 | 115500.00" in told
    assert "166250.00 | 166250.01" in told
    assert "the system says 166250.01, expected 166250.00 (plan)" in told
    assert "line 3 FOREIGN_CONTRACT" in told
    assert "Jakobstad Ab as Finvoice" in told


def test_a_client_in_the_wrong_month_is_named_though_the_sum_is_right(plan):
    good = as_planned(plan)
    months = list(good.new_clients[2023])
    months[2], months[3] = months[2] - 1, months[3] + 1
    bad = replace(good, new_clients={**good.new_clients, 2023: tuple(months)})
    assert failing(bad, plan) == ["new clients 2023-03", "new clients 2023-04"]


def test_a_missing_year_does_not_pass(plan):
    good = as_planned(plan)
    bad = replace(good, new_clients={year: good.new_clients[year] for year in (2022, 2024)})
    assert "new clients 2023, sum" in failing(bad, plan)
    assert "use of the estimate 2023, %" in failing(bad, plan)


def test_averages_are_worked_out_anew_from_the_answers(plan):
    answered = {"kuopio": [Fraction(7, 5)] * 5}
    good = replace(as_planned(plan), answers=5, feedback={"kuopio": FeedbackShown(Decimal("4.6"), 5)})
    assert failing(good, plan, answered) == []
    assert failing(replace(good, feedback={}), plan, answered) == ["average of the office kuopio"]


@pytest.mark.parametrize(
    ("means", "shown"),
    [
        ([Fraction(1)] * 4, None),
        ([Fraction(1)] * 5, FeedbackShown(Decimal("5.0"), 5)),
        ([Fraction(1)] * 5 + [Fraction(5)] * 4, FeedbackShown(Decimal("5.0"), 5)),
        ([Fraction(1)] * 5 + [Fraction(5)] * 5, FeedbackShown(Decimal("3.0"), 10)),
        ([Fraction(29, 20)] * 5, FeedbackShown(Decimal("4.6"), 5)),
    ],
)
def test_an_average_is_published_from_five_answers_on_and_after_five_more(means, shown):
    assert published_average(means) == shown
