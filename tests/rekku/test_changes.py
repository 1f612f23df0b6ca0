"""What the services tell is counted by what happened: by state, reason, and how a course ended."""

import pytest

from contracts.values import ReportKind
from rekku.demo.changes import Opened, seen_changes


def a_course(course_id, **differences):
    told = {"course_id": course_id, "state": "running", "late_confirmed": False, "group_size": 10, "year": 2023}
    return told | differences


def a_pin(course_id, **differences):
    return {"course_id": course_id, "state": "active", "reason": None, "attended": []} | differences


def counted(**differences):
    told = {
        "courses": [a_course("deleted", state="deleted"), a_course("past", state="deleted"), a_course("there")],
        "pins": [a_pin("there")],
        "endings": {
            "deleted": {"kind": "deleted", "late": False},
            "past": {"kind": "did_not_happen", "late": True},
        },
        "reports": [],
        "messages": [],
        "opened": {name: Opened(10, 2023) for name in ("deleted", "past", "there")},
        "refused": 0,
    }
    return seen_changes(**(told | differences))


def test_deleted_courses_and_those_that_were_not_held_are_told_apart():
    seen = counted()
    assert (seen.deleted, seen.deleted_late, seen.not_held) == (1, 0, 1)


@pytest.mark.parametrize(
    ("pin", "figure"),
    [
        (a_pin("there", state="moved"), "moved_before"),
        (a_pin("there", state="moved", attended=[1]), "moved_after"),
        (a_pin("deleted", state="moved"), "transferred"),
        (a_pin("past", state="released", reason="did_not_happen"), "released"),
    ],
)
def test_a_client_who_left_counts_once(pin, figure):
    seen = counted(pins=[pin])
    figures = {name: getattr(seen, name) for name in ("moved_before", "moved_after", "transferred", "released")}
    assert figures == dict.fromkeys(figures, 0) | {figure: 1}


@pytest.mark.parametrize(
    ("difference", "figure"),
    [
        ({"group_size": 12}, "grown"),
        ({"year": 2024}, "rescheduled"),
        ({"late_confirmed": True}, "confirmed_late"),
    ],
)
def test_a_course_is_compared_with_what_it_was_opened_as(difference, figure):
    seen = counted(courses=[a_course("there", **difference)])
    figures = {name: getattr(seen, name) for name in ("grown", "rescheduled", "confirmed_late")}
    assert figures == dict.fromkeys(figures, 0) | {figure: 1}


def test_only_messages_that_were_sent_have_told_anybody():
    told = {"template": "course-not-held", "channel": "sms", "messages": 2}
    messages = [{**told, "state": "sent"}, {**told, "state": "cancelled"}]
    assert counted(messages=messages).told_not_held == 2


def test_reports_and_refusals_are_counted():
    seen = counted(reports=[{"kind": "late_move"}, {"kind": "late_move"}], refused=3)
    assert seen.reports == {ReportKind.LATE_MOVE: 2}
    assert seen.refused == 3
