"""The plan of a deletion takes every client along as a move does: the same consent, the same judgement (R-CRS-36)."""

from datetime import date

from contracts.courses import ClientMoved, CourseDeleted
from tests.courses.builders import a_consent, a_transfer, expect, refusal
from tests.courses.consistency import assert_consistent
from tests.courses.stories import LATER, a_running_course, a_three_period_course
from tests.courses.test_eligibility import tell


async def one_client(courses):
    """A course with a client, where the client could go, and what a refusal of it is about."""
    course, target, decision = await courses.a_course(), await courses.a_course(), await courses.grant()
    expect(201, await courses.pin(course, decision))
    about = {"decision_ref": decision.decision_ref, "target_number": target["course_number"]}
    return course, target, decision, about


async def test_nobody_is_transferred_without_consent(courses):
    """R-CRS-28, R-CRS-36, E-38: missing, from the future, or not in a known way; nothing is deleted."""
    course, target, decision, about = await one_client(courses)
    ref = decision.decision_ref
    answer = await courses.delete(course, transfers={ref: a_transfer(target, consent=None)})
    assert refusal(answer) == ("CONSENT_MISSING", {"change": "course"} | about)
    tomorrow = a_transfer(target, consent=a_consent(given_on="2024-01-16"))
    answer = await courses.delete(course, transfers={ref: tomorrow})
    assert refusal(answer) == ("CONSENT_IN_FUTURE", {"given_on": "2024-01-16", "today": "2024-01-15"} | about)
    for wrong in (a_transfer(target, consent=a_consent(by="neighbour")), target["course_id"]):
        answer = await courses.delete(course, transfers={ref: wrong})
        assert refusal(answer, status=422)[0] == "VALIDATION"
    assert (await courses.get(course))["state"] == "published"
    assert await courses.service.published(ClientMoved) == []


async def test_a_transfer_is_kept_like_any_move(courses):
    """R-CRS-28, R-CRS-29, E-58: with whose consent, and why the course was deleted."""
    course, target, decision, _ = await one_client(courses)
    agreed = a_transfer(target, consent=a_consent(by="guardian", channel="letter"))
    plan = {decision.decision_ref: agreed}
    deleted = expect(200, await courses.delete(course, reason="Only one client.", transfers=plan))
    assert deleted["transfer_warnings"] == {decision.decision_ref: ["DISEASE_GROUP_UNKNOWN"]}
    left, arrived = await courses.history(decision)
    assert (left["state"], left["moved_to"], arrived["moved_from"]) == (
        "moved",
        target["course_id"],
        course["course_id"],
    )
    move = {key: left["move"][key] for key in ("consent_given_on", "consent_by", "consent_channel", "reason")}
    assert move == {
        "consent_given_on": "2024-01-15",
        "consent_by": "guardian",
        "consent_channel": "letter",
        "reason": "Only one client.",
    }
    await assert_consistent(courses.service)


async def test_who_is_known_not_to_fit_is_not_transferred(courses):
    """E-24, E-38: what the course allows is named, nothing of the client."""
    course, target, decision, about = await one_client(courses)
    await tell(courses, decision.client_ref, disease_group="group_b")
    answer = await courses.delete(course, transfers={decision.decision_ref: a_transfer(target)})
    assert refusal(answer) == ("TARGET_GROUP_MISMATCH", {"allowed": ["group_a"]} | about)
    assert "group_b" not in answer.text
    assert await courses.service.published(CourseDeleted) == []


async def test_who_attended_periods_elsewhere_is_transferred_within_the_total_duration(courses):
    """R-CRS-31, E-12, E-20: what remains is planned on the new course, and the whole path counts."""
    first, [decision, *_] = await a_running_course(courses, on=date(2024, 3, 11))
    expect(200, await courses.note(first, decision, [1]))
    expect(200, await courses.unpin(first, decision))
    never_held = await a_three_period_course(courses, LATER)
    expect(201, await courses.pin(never_held, decision))
    too_late = await a_three_period_course(courses, (date(2024, 4, 8), date(2024, 6, 3), date(2024, 12, 1)))
    in_time = await a_three_period_course(courses, (date(2024, 4, 8), date(2024, 6, 3), date(2024, 11, 30)))
    ref = decision.decision_ref
    answer = await courses.delete(never_held, reason="Too few.", transfers={ref: a_transfer(too_late)})
    assert refusal(answer) == (
        "PATH_TOO_LONG",
        {
            "months": 9,
            "first_day": "2024-03-04",
            "latest": "2024-12-04",
            "last_day": "2024-12-05",
            "decision_ref": ref,
            "target_number": too_late["course_number"],
        },
    )
    expect(200, await courses.delete(never_held, reason="Too few.", transfers={ref: a_transfer(in_time)}))
    assert (await courses.history(decision))[-1]["planned"] == [2, 3]
    await assert_consistent(courses.service)


async def test_a_transfer_is_refused_for_what_a_move_is_refused_for(courses):
    """E-26, E-38: the target not published, or a period the client needs over."""
    course, _, decision, _ = await one_client(courses)
    draft = await courses.create()
    answer = await courses.delete(course, transfers={decision.decision_ref: a_transfer(draft)})
    assert refusal(answer) == (
        "NOT_PUBLISHED",
        {
            "course_number": draft["course_number"],
            "decision_ref": decision.decision_ref,
            "target_number": draft["course_number"],
        },
    )
    running, _ = await a_running_course(courses, on=date(2024, 3, 11))
    later = await courses.a_course(first_day=date(2024, 5, 6))
    other = await courses.grant()
    expect(201, await courses.pin(later, other))
    answer = await courses.delete(later, transfers={other.decision_ref: a_transfer(running)})
    code, values = refusal(answer)
    assert (code, values["periods"], values["decision_ref"]) == ("PERIODS_PASSED", [1], other.decision_ref)
