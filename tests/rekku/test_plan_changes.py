"""What befalls courses and clients in the plan: as often in every year, and possible where it stands."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from chassis.calendar import add_months
from contracts.values import ReportKind
from rekku.demo.changes import REPORT_WORDS, WORDS
from rekku.demo.course_commands import to_course
from rekku.demo.course_steps import arrival_key
from rekku.demo.courses import CONFIRM_FROM, MUST_RUN_FROM, Arrival
from rekku.demo.plan import make_plan
from rekku.demo.steps import DeleteCourse, MoveClient, NoteParticipation

YEARS = (2022, 2023, 2024)


@pytest.fixture(scope="module")
def plan():
    return make_plan()


def by_year(days):
    return dict(Counter(day.year for day in days))


def each_year(count):
    return dict.fromkeys(YEARS, count)


@pytest.mark.parametrize("seed", [2021, 1, 7])
def test_every_change_happens_a_fixed_number_of_times(seed):
    changes = make_plan(seed).changes
    assert (changes.moved_before, changes.moved_after) == (6, 6)
    assert (changes.deleted, changes.deleted_late, changes.not_held) == (6, 3, 3)
    assert (changes.confirmed_late, changes.refused, changes.grown, changes.rescheduled) == (3, 3, 3, 2)
    assert changes.transferred > 12
    assert changes.released == changes.told_not_held > 6


def test_whom_it_befalls_is_decided_by_the_seed(plan):
    def befallen(one):
        return {course.key for course in one.courses if course.ended}

    assert befallen(make_plan()) == befallen(plan) != befallen(make_plan(seed=7))


def test_every_year_has_its_endings(plan):
    ended = [course for course in plan.courses if course.ended]
    assert by_year(c.created_on for c in ended if c.deleted and not c.ended.late) == each_year(1)
    assert by_year(c.created_on for c in ended if c.deleted and c.ended.late) == each_year(1)
    assert by_year(c.created_on for c in ended if c.not_held) == each_year(1)
    assert by_year(c.created_on for c in plan.courses if c.confirmed_late) == each_year(1)
    assert by_year(c.refused_on for c in plan.courses if c.refused_on) == each_year(1)
    assert by_year(c.grown.day for c in plan.courses if c.grown) == each_year(1)


def test_courses_move_to_the_next_year_where_the_source_has_the_whole_year(plan):
    moved = [course for course in plan.courses if course.rescheduled]
    assert [(c.rescheduled.before[0][0].year, c.year) for c in moved] == [(2022, 2023), (2023, 2024)]
    for course in moved:
        asked = course.present(course.rescheduled.day)
        assert 0 < len(asked) < CONFIRM_FROM
        assert all(add_months(stay.decision.decided_on, 4) >= course.periods[0][0] for stay in asked)
        assert course.rescheduled.day < course.confirmed_on


def test_nobody_is_left_on_a_course_that_ends(plan):
    of_key = {course.key: course for course in plan.courses}
    gone_on = {
        (stay.came_from, stay.decision.key): stay.since
        for course in plan.courses
        for stay in course.stays
        if stay.came_from
    }
    for course in plan.courses:
        if course.ended:
            assert not course.present(course.ended.day)
            assert not course.payments
            assert course.confirmed_on is None
            assert all(stay.first_period == 1 for stay in course.stays)
            assert not course.had_to_run(course.ended.day)
            begun = course.ended.day >= course.periods[0][0]
            assert begun == course.not_held
            assert course.ended.late == (course.ended.day > course.periods[0][0] - timedelta(days=30))
        for stay in course.stays:
            if stay.until:
                assert gone_on[course.key, stay.decision.key] == stay.until
            if stay.arrival in (Arrival.TRANSFERRED, Arrival.PINNED_ANEW):
                assert of_key[stay.came_from].ended.day == stay.since


def test_a_deletion_takes_every_client_along(plan):
    of_key = {course.key: course for course in plan.courses}
    deletions = [step for step in plan.steps if isinstance(step, DeleteCourse)]
    assert len(deletions) == plan.changes.deleted
    for step in deletions:
        left = [stay.decision.key for stay in of_key[step.course].stays if stay.until == step.day]
        assert sorted(left) == sorted(decision for decision, _ in step.transfers)
        assert bool(step.reason) == of_key[step.course].ended.late


def test_clients_who_move_keep_what_they_attended(plan):
    of_key = {course.key: course for course in plan.courses}
    noted = {(step.decision, step.course): step for step in plan.steps if isinstance(step, NoteParticipation)}
    paid = Counter(
        (decision, payment.number)
        for course in plan.courses
        for payment in course.payments
        for decision in payment.decisions
    )
    assert set(paid.values()) == {1}
    for step in (step for step in plan.steps if isinstance(step, MoveClient)):
        [stay] = [one for one in of_key[step.to_course].stays if arrival_key(one, of_key[step.to_course]) == step.key]
        left = of_key[step.course]
        assert ((step.decision, step.course) in noted) == (stay.first_period == 2)
        assert (step.day > left.periods[0][1]) == (stay.first_period == 2)
        assert of_key[step.to_course].periods[stay.first_period - 1][0] > step.day
        assert left.had_to_run(step.day)
        assert step.reason


def test_a_course_confirmed_late_had_enough_clients_at_its_start(plan):
    for course in (course for course in plan.courses if course.confirmed_late):
        first_day, last_day = course.periods[0]
        assert len(course.present(first_day - timedelta(days=1))) >= CONFIRM_FROM
        assert course.confirmed_on > last_day
        assert all(payment.paid_on > course.confirmed_on for payment in course.payments)


def test_a_course_that_may_not_be_deleted_has_so_many_that_it_must_run(plan):
    for course in (course for course in plan.courses if course.refused_on):
        assert len(course.present(course.refused_on)) >= MUST_RUN_FROM
        assert course.refused_on < course.confirmed_on


def test_kela_is_told_of_late_ends_and_of_clients_taken_off_courses_that_had_to_run(plan):
    reports = plan.changes.reports
    assert reports[ReportKind.LATE_DELETION] == plan.changes.deleted_late + plan.changes.not_held
    assert reports[ReportKind.CLIENT_LEFT_MUST_RUN_COURSE] == plan.changes.moved_before + plan.changes.moved_after
    assert set(REPORT_WORDS) == set(ReportKind)
    assert set(WORDS) | {"reports"} == set(vars(replace(plan.changes)))


def test_a_transfer_names_the_course_and_the_clients_consent():
    assert to_course("course", date(2022, 3, 1)) == {
        "to_course_id": "course",
        "consent": {"given_on": "2022-03-01", "by": "client", "channel": "phone"},
    }
