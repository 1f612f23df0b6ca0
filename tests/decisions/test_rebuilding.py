"""The copies of courses and pins anew from their topics."""

import dataclasses

from contracts.values import PinState
from services.decisions.app import SERVICE
from tests.decisions.builders import course_confirmed, pinned, unpinned
from tests.rebuilding import in_random_order, on_bus


def a_history():
    """Clients that move from course to course: the last word on each course is kept."""
    return [
        *(course_confirmed(version, course_id=f"course-{n}") for n in range(3) for version in (1, 2, 3)),
        *(
            event
            for n in range(4)
            for event in (
                pinned(f"decision-{n}", 1, course_id="course-0"),
                unpinned(f"decision-{n}", 2, course_id="course-0"),
                pinned(f"decision-{n}", 3, course_id="course-1"),
                unpinned(f"decision-{n}", 4, course_id="course-1", occupies_place=True),
                pinned(f"decision-{n}", 5, course_id=f"course-{n}"),
                unpinned(f"decision-{n}", 6, course_id=f"course-{n}", state=PinState.FULFILLED),
            )
        ),
    ]


async def test_any_history_rebuilt_is_what_is_live(cluster, empty_decisions):
    async with on_bus(cluster, empty_decisions.service) as running:
        for seed in range(4):
            await running.send(in_random_order(a_history(), seed))
            await running.settled()
            assert (await running.rebuild()).same
        assert len((await running.rows())["pins"]) == 10


async def test_if_pins_superseded_one_another_earlier_courses_would_be_forgotten(cluster, empty_decisions):
    """The negative control: why pins are not declared as superseding."""
    async with on_bus(cluster, empty_decisions.service) as running:
        await running.publish(*a_history())
        await running.settled()
        outcome = await running.rebuild(dataclasses.replace(SERVICE, superseding=(SERVICE.projected,)))
        assert [(d.table, d.only_live) for d in outcome.differences] == [("pins", 6)]
