"""What must hold in the service's tables and events at all times."""

from collections import defaultdict

from chassis.testing import ServiceUnderTest
from contracts.courses import Course, CourseEvent, ReportFiled
from contracts.envelope import Event

_WRONG_COUNTERS = """
SELECT course_id FROM courses LEFT JOIN pins USING (course_id) GROUP BY course_id
HAVING courses.pinned <> count(pins.pin_id) FILTER (WHERE pins.state = 'active')
    OR courses.occupied <> count(pins.pin_id) FILTER (WHERE pins.occupies_place)
"""
_WRONG_PLACES = """
SELECT contract_id, year FROM place_ledgers WHERE reserved <> (
    SELECT coalesce(sum(group_size), 0) FROM courses
    WHERE courses.contract_id = place_ledgers.contract_id AND courses.year = place_ledgers.year AND holds_places
)
"""
_WRONG_DECISIONS = """
SELECT decisions.decision_ref FROM decisions LEFT JOIN pins
    ON pins.decision_ref = decisions.decision_ref AND pins.state = 'active'
WHERE pins.course_id IS DISTINCT FROM decisions.pinned_to
    OR pins.course_id IS NOT NULL AND decisions.state = 'revoked'
"""
_CROWDED_PERIODS = """
SELECT course_id, number FROM courses, generate_series(1, jsonb_array_length(periods)) AS number
WHERE group_size < (
    SELECT count(*) FROM pins
    WHERE pins.course_id = courses.course_id AND occupies_place AND (planned IS NULL OR number = ANY (planned))
)
"""
_ATTENDED_TWICE = """
SELECT decision_ref, number FROM pins, unnest(attended) AS number GROUP BY decision_ref, number HAVING count(*) > 1
"""
_UNRECORDED_MOVES = """
SELECT pins.decision_ref, version FROM pins LEFT JOIN client_moves
    ON client_moves.decision_ref = pins.decision_ref AND left_version = version
WHERE (state = 'moved') <> (left_version IS NOT NULL) OR moved_to <> to_course_id
"""


async def assert_consistent(service: ServiceUnderTest) -> None:
    """Counters equal the pins, ledgers equal the courses, and every change was published in order."""
    async with service.transaction() as tx:
        for sql in (
            _WRONG_COUNTERS,
            _WRONG_PLACES,
            _WRONG_DECISIONS,
            _CROWDED_PERIODS,
            _ATTENDED_TWICE,
            _UNRECORDED_MOVES,
        ):
            assert await tx.fetch(sql) == []
        courses = {row["course_id"]: row for row in await tx.fetch("SELECT * FROM courses")}
        pinned = await tx.fetch("SELECT decision_ref, pin_version FROM decisions WHERE pin_version > 0")
        pin_versions = {row["decision_ref"]: row["pin_version"] for row in pinned}
    versions: dict[str, list[int]] = defaultdict(list)
    newest: dict[str, Course] = {}
    for event in await service.published(Event):
        if isinstance(event, ReportFiled):
            continue
        versions[event.key].append(event.version)
        if isinstance(event, CourseEvent):
            newest[event.key] = event.course
    for key, seen in versions.items():
        assert seen == list(range(1, len(seen) + 1)), f"{key} was published as {seen}"
    assert {key: versions[key][-1] for key in courses} == {key: row["version"] for key, row in courses.items()}
    assert {key: seen[-1] for key, seen in versions.items() if key not in courses} == pin_versions
    for key, course in newest.items():
        row = courses[key]
        assert (course.pinned, course.occupied, course.state) == (row["pinned"], row["occupied"], row["state"])
        assert (course.year, course.group_size) == (row["year"], row["group_size"])
