"""Half a command changes nothing, also where its empty body would be a command of its own."""

import pytest

from chassis import request_guard
from chassis.auth import Role
from tests.courses.builders import PROVIDER, expect
from tests.raw_http import request, served


def commands(courses, course, pin):
    """A release whose body ends too early, and a publication that announces one and sends none."""
    token = {
        "authorization": f"Bearer {courses.service.token(Role.PROVIDER, PROVIDER)}",
        "content_type": "application/json",
    }
    path = f"/courses/{course['course_id']}"
    reason = b'{"reason": "Asiakas sairastui."}'
    return [
        request("DELETE", f"{path}/pins/{pin['decision_ref']}", reason[:9], announced=len(reason), **token),
        request("DELETE", f"{path}/pins/{pin['decision_ref']}", reason, chunks=True, **token),
        request("DELETE", f"{path}/pins/{pin['decision_ref']}", announced=2, **token),
        request("POST", f"{path}/confirmation", announced=2, **token),
    ]


async def test_half_a_release_or_confirmation_changes_nothing(courses):
    """E-33, R-CRS-9, R-CRS-17: what cannot be undone needs its whole request."""
    course = await courses.a_course(pinned=6)
    pin = (await courses.pins_of(course))[0]
    async with served(courses.service.runtime.app) as server:
        for half in commands(courses, course, pin):
            await server.send_and_leave(half)
    assert await courses.get(course) == course
    assert (await courses.pins_of(course))[0] == pin


@pytest.mark.parametrize("which", [2, 3])
async def test_if_half_were_taken_for_an_empty_body_it_would_run(courses, monkeypatch, which):
    """Negative control."""

    async def as_if_empty(_receive):
        return b""

    course = await courses.a_course(pinned=6)
    pin = (await courses.pins_of(course))[0]
    monkeypatch.setattr(request_guard, "receive_whole", as_if_empty)
    async with served(courses.service.runtime.app) as server:
        await server.send_and_leave(commands(courses, course, pin)[which])
    assert await courses.get(course) != course


async def test_an_interruption_says_whether_it_is_the_end(courses):
    """R-DEC-7: an empty body never means one of the two."""
    course = await courses.a_course(pinned=1)
    pin = (await courses.pins_of(course))[0]
    path = f"/courses/{course['course_id']}/pins/{pin['decision_ref']}/interruption"
    for body in (None, {}):
        assert expect(422, await courses.provider.post(path, json=body))["code"] == "VALIDATION"
    assert (await courses.pins_of(course))[0] == pin
