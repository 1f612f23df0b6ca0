"""The gauge's copies anew from their topics, behind the wall between providers."""

from chassis.auth import Principal, Role
from contracts.courses import CourseBegan, CoursePlacesChanged, CoursePublished
from contracts.values import CourseState
from tests.rebuilding import in_random_order, on_bus
from tests.registration.builders import OURS, THEIRS, a_course, a_grant, revoked


def a_history():
    grants = [a_grant(f"contract-{n % 3}", provider_id=(OURS, THEIRS)[n % 2]) for n in range(8)]
    courses = [a_course(f"contract-{n % 3}", provider_id=(OURS, THEIRS)[n % 2]) for n in range(6)]
    later = [
        event(version=version, course=created.course.model_copy(update={"state": state, "group_size": 8 + version}))
        for created in courses[:4]
        for version, (event, state) in enumerate(
            (
                (CoursePublished, CourseState.PUBLISHED),
                (CoursePlacesChanged, CourseState.PUBLISHED),
                (CourseBegan, CourseState.RUNNING),
            ),
            2,
        )
    ]
    return [*grants, *(revoked(grant) for grant in grants[::2]), *courses, *later]


async def test_any_history_rebuilt_is_what_is_live_for_everyone(cluster, registration):
    async with on_bus(cluster, registration) as running:
        for seed in range(4):
            await running.send(in_random_order(a_history(), seed))
            await running.settled()
            assert (await running.rebuild()).same
        ours = await seen_by(registration, OURS)
        async with registration.transaction() as tx:
            await tx.execute("UPDATE decisions SET uses_count = NOT uses_count")
        assert (await running.rebuild(accept=True)).written == 32
        assert await seen_by(registration, OURS) == ours
        assert (await running.rebuild()).same


async def seen_by(registration, provider_id: str) -> list[str]:
    """What a provider may see, after the swap as before."""
    async with registration.transaction(Principal("somebody", Role.PROVIDER, provider_id)) as tx:
        rows = await tx.fetch("SELECT provider_id, d::text AS row FROM decisions d ORDER BY decision_ref")
    assert {row["provider_id"] for row in rows} == {provider_id}
    return [row["row"] for row in rows]
