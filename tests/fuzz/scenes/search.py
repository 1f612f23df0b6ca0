"""Offices with courses, quotas and feedback, as everybody can find them."""

from datetime import date
from typing import Any

from chassis.auth import Role
from chassis.testing import ServiceUnderTest
from tests.fuzz.fuzzing import Known
from tests.fuzz.scenes.scene import Scene
from tests.search.builders import (
    HEART,
    PROVIDER,
    Search,
    a_course,
    a_feedback_average,
    a_quota,
    an_office,
    choice_information,
)

__all__ = ["PROVIDER", "set_up", "values_of"]

NUMBERS = (976, 977, 978)
_MUNICIPALITIES = ("297", "Kuopio", "tampere", "Åbo", "091", "Äänekoski")


async def set_up(service: ServiceUnderTest) -> Scene:
    """Two offices, three courses."""
    return Scene.of(service, Known(await values_of(service), learnt=("next",)), [service.http(Role.OFFICER)])


async def values_of(service: ServiceUnderTest) -> dict[str, list[Any]]:
    """What can be found, and by which words."""
    search = Search(service)
    await search.given_one_office(an_office(office_id="office-tampere", municipality_code="837"), choice_information())
    for index, number in enumerate(NUMBERS):
        await search.given(
            a_course(course_id=f"course-{number}", course_number=number, first_day=date(2024, 4 + index, 8))
        )
    await search.given(a_feedback_average(), a_quota(limit=1, used=1, filled=True))
    next_page = (await search.get("/offices", municipality="297", limit=1)).json()["next"]
    return {
        "municipality": list(_MUNICIPALITIES),
        "q": ["ku", "Å", "29", "tam"],
        "age": [18, 66, 67, 68, "67 v", 120],
        "language": ["fi", "sv"],
        "service": [HEART],
        "course_number": list(NUMBERS),
        "limit": [1, 20, 100],
        "after": [next_page or "x"],
    }
