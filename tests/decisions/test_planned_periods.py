"""When clients' rehabilitation is planned to take place, as Kela sees it."""

from datetime import timedelta

from contracts.courses import ClientMoved, CourseCancelled, CourseRescheduled, ParticipationNoted
from contracts.values import CourseState, DeliveryMode, PinState
from tests.decisions.builders import COURSE, a_course, a_pin, course_confirmed, expect, pinned, refusal, unpinned
from tests.rebuilding import on_bus

OTHER_COURSE = "course-2"


async def planned(decisions, ref: str) -> list[tuple[str, int, str, str, bool]]:
    """(course, number, first day, mode, attended) in the order of the days."""
    items = expect(200, await decisions.officer.get(f"/decisions/{ref}/planned-periods"))["items"]
    return [(p["course_id"], p["number"], p["first_day"], p["mode"], p["attended"]) for p in items]


def later(course):
    """The course's periods one week later, the middle one online."""
    return tuple(
        period.model_copy(
            update={
                "first_day": period.first_day + timedelta(days=7),
                "last_day": period.last_day + timedelta(days=7),
                "mode": DeliveryMode.ONLINE if period.number == 2 else period.mode,
            }
        )
        for period in course.periods
    )


async def test_kela_sees_the_days_and_the_mode_of_every_planned_period(decisions):
    """R-CRS-12: from the pin on; nothing before it, nothing after it is gone."""
    ref = (await decisions.grant())["decision_ref"]
    assert await planned(decisions, ref) == []
    await decisions.know(pinned(ref))
    assert await planned(decisions, ref) == []  # the course itself has not been heard of yet
    await decisions.know(course_confirmed(state=CourseState.PUBLISHED))
    assert await planned(decisions, ref) == [
        (COURSE, 1, "2024-02-19", "face_to_face", False),
        (COURSE, 2, "2024-04-15", "face_to_face", False),
        (COURSE, 3, "2024-06-10", "face_to_face", False),
    ]
    rescheduled = a_course(state=CourseState.PUBLISHED, periods=later(a_course()))
    await decisions.know(CourseRescheduled(version=2, course=rescheduled))
    assert (await planned(decisions, ref))[1] == (COURSE, 2, "2024-04-22", "online", False)
    await decisions.know(unpinned(ref))
    assert await planned(decisions, ref) == []


async def test_after_a_move_the_remaining_periods_are_planned_on_the_other_course(decisions):
    """R-CRS-12, E-20, E-26: attended ones stay where they were, in whatever order the news comes."""
    ref = (await decisions.grant())["decision_ref"]
    gone = a_pin(ref, state=PinState.MOVED, attended=(1,), moved_to=OTHER_COURSE)
    news = [
        course_confirmed(),
        course_confirmed(course_id=OTHER_COURSE, periods=later(a_course())),
        pinned(ref),
        ParticipationNoted(version=2, pin=a_pin(ref, attended=(1,))),
        ClientMoved(version=3, pin=gone),
        pinned(ref, version=4, course_id=OTHER_COURSE, planned=(2, 3), moved_from=COURSE),
    ]
    for events in (news, list(reversed(news))):
        await decisions.alter("DELETE FROM pins", "DELETE FROM courses")
        await decisions.know(*events)
        assert await planned(decisions, ref) == [
            (COURSE, 1, "2024-02-19", "face_to_face", True),
            (OTHER_COURSE, 2, "2024-04-22", "online", False),
            (OTHER_COURSE, 3, "2024-06-17", "face_to_face", False),
        ]


async def test_what_a_cancelled_or_interrupted_course_had_planned_is_planned_no_more(decisions):
    """R-CRS-12, E-34, E-57: also where the pin's own news has not come yet; attended periods stay."""
    cancelled, interrupted = [(await decisions.grant())["decision_ref"] for _ in range(2)]
    await decisions.know(course_confirmed(), course_confirmed(course_id=OTHER_COURSE))
    await decisions.know(pinned(cancelled), pinned(interrupted, course_id=OTHER_COURSE))
    await decisions.know(CourseCancelled(version=2, course=a_course(state=CourseState.CANCELLED)))
    assert await planned(decisions, cancelled) == []
    left = {"course_id": OTHER_COURSE, "state": PinState.INTERRUPTED, "attended": (1,)}
    await decisions.know(pinned(interrupted, version=2, **left))
    assert [(number, attended) for _, number, _, _, attended in await planned(decisions, interrupted)] == [(1, True)]


async def test_a_copy_from_before_it_kept_the_days_says_so_until_it_is_rebuilt(cluster, decisions):
    """R-CRS-12: what an older process copied has last days only; a rebuild completes it."""
    ref = (await decisions.grant())["decision_ref"]
    async with on_bus(cluster, decisions.service) as running:
        await running.publish(course_confirmed(), pinned(ref))
        await running.settled()
        await decisions.alter(
            """UPDATE courses SET periods = '[{"number": 1, "last_day": "2024-02-23"}]', version = version"""
        )
        assert await planned(decisions, ref) == [(COURSE, 1, None, None, False)]
        assert expect(200, await decisions.officer.get("/follow-ups"))["items"] == []
        await running.rebuild(accept=True)
        assert len(await planned(decisions, ref)) == 3


async def test_kela_reads_the_plans_of_all_clients_page_by_page(decisions):
    """R-CRS-12: decisions in force, those without a course too; the ended ones are gone."""
    pinned_one, waiting, ended = [await decisions.grant() for _ in range(3)]
    await decisions.know(course_confirmed(), pinned(pinned_one["decision_ref"]), pinned(ended["decision_ref"]))
    expect(200, await decisions.revoke(ended))
    first = expect(200, await decisions.officer.get("/planned-periods", params={"limit": 1}))
    assert [(one["decision_ref"], len(one["items"])) for one in first["items"]] == [(pinned_one["decision_ref"], 3)]
    rest = expect(200, await decisions.officer.get("/planned-periods", params={"after": first["next"]}))
    assert (rest["items"], rest["next"]) == ([{"decision_ref": waiting["decision_ref"], "items": []}], None)
    assert expect(200, await decisions.officer.get("/planned-periods?service=NOTHING"))["items"] == []
    assert refusal(await decisions.provider.get("/planned-periods"), 403)[0] == "NOT_ALLOWED"


async def test_an_unknown_decision_has_no_periods(decisions):
    ref = (await decisions.grant())["decision_ref"]
    await decisions.alter("DELETE FROM decisions")
    answer = await decisions.officer.get(f"/decisions/{ref}/planned-periods")
    assert refusal(answer, 404)[0] == "DECISION_UNKNOWN"
