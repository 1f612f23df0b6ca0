"""Lists of courses and of pins over all providers, filtered, page by page, sent again only when they changed."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from chassis.auth import Principal, Role
from chassis.testing import service_under_test
from contracts.values import CourseState
from services.courses.app import SERVICE
from services.courses.reading import store
from services.courses.reading.store import CoursesWanted, PinsWanted
from tests.courses.builders import CONTRACT, OFFICE, OTHER_PROVIDER, PROVIDER, SERVICE_CODE, CoursesUnderTest, expect
from tests.courses.bulk import TODAY, Scene, a_scene


@pytest.fixture(scope="module")
async def scene(cluster, tmp_path_factory) -> AsyncIterator[Scene]:
    """Shared by tests that only read."""
    async with service_under_test(cluster, SERVICE, tmp_path_factory.mktemp("bulk")) as service:
        yield await a_scene(CoursesUnderTest(service))


async def listed(client, path: str, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = expect(200, await client.get(path, params={"limit": 500, **query}))["items"]
    return items


async def every_page(client, path: str, limit: int) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    after = None
    for _ in range(50):
        page = expect(200, await client.get(path, params={"limit": limit} | ({"after": after} if after else {})))
        assert len(page["items"]) <= limit
        seen += page["items"]
        after = page["next"]
        if after is None:
            return seen
    raise AssertionError("the pages never end")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["past", "full_enough", "next_year", "theirs"]),
        ({"provider_id": OTHER_PROVIDER}, ["theirs"]),
        ({"provider_id": PROVIDER}, ["past", "full_enough", "next_year"]),
        ({"contract_id": CONTRACT, "year": 2025}, ["next_year"]),
        ({"office_id": OFFICE, "state": "published"}, ["past", "full_enough"]),
        ({"office_id": "office-2"}, ["theirs"]),
        ({"service": SERVICE_CODE, "state": "created"}, ["next_year"]),
        ({"service": "RHEUMA_ADULT"}, []),
        ({"stale": "true"}, ["past", "theirs"]),
        ({"stale": "false"}, ["full_enough", "next_year"]),
        ({"must_run": "true"}, ["full_enough"]),
        ({"must_run": "false", "provider_id": PROVIDER}, ["past", "next_year"]),
    ],
)
async def test_an_officer_reads_every_course_and_narrows_it(scene, query, names):
    assert scene.names(await listed(scene.courses.officer, "/courses", **query)) == names


async def test_the_filters_say_the_same_as_the_courses_themselves(scene):
    """R-CRS-23, R-CRS-39: the SQL of `must_run` and `stale` is the domain's."""
    for asked, shown in (("must_run", "must_run"), ("stale", "stale_unconfirmed")):
        for value in (True, False):
            items = await listed(scene.courses.officer, "/courses", **{asked: str(value).lower()})
            assert {item[shown] for item in items} == {value}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 11),
        ({"state": "active"}, 9),
        ({"state": "moved"}, 1),
        ({"state": "released", "year": 2024}, 1),
        ({"year": 2025}, 0),
        ({"contract_id": CONTRACT, "service": SERVICE_CODE, "office_id": OFFICE, "provider_id": PROVIDER}, 11),
        ({"contract_id": "contract-2"}, 0),
        ({"provider_id": OTHER_PROVIDER}, 0),
    ],
)
async def test_an_officer_reads_every_pin_and_narrows_it(scene, query, count):
    """R-CRS-29: those that ended as well."""
    assert len(await listed(scene.courses.officer, "/pins", **query)) == count


async def test_a_pin_says_whose_it_is_and_on_what_course(scene):
    [moved] = await listed(scene.courses.officer, "/pins", state="moved")
    assert {name: moved[name] for name in ("decision_ref", "provider_id", "contract_id", "service", "year")} == {
        "decision_ref": scene.moved.decision_ref,
        "provider_id": PROVIDER,
        "contract_id": CONTRACT,
        "service": SERVICE_CODE,
        "year": 2024,
    }
    assert (moved["course_number"], moved["moved_to"]) == (
        scene.past["course_number"],
        scene.full_enough["course_id"],
    )
    assert moved["confirm_by"] == "2024-07-15"


async def test_all_pins_and_a_courses_own_pins_are_the_same(scene):
    """Two readings, one truth."""
    own = await scene.courses.pins_of(scene.past) + await scene.courses.pins_of(scene.full_enough)
    extra = {"provider_id", "contract_id", "service", "year", "course_number"}
    bulk = [
        {name: value for name, value in pin.items() if name not in extra}
        for pin in await listed(scene.courses.officer, "/pins")
    ]
    assert sorted(bulk, key=str) == sorted(own, key=str)


async def test_lists_come_page_by_page(scene):
    """Several pages hold what one holds, in its order, nothing twice; a full last page is the last."""
    for path, pages in (("/courses", (1, 2, 3, 4)), ("/pins", (1, 4, 11))):
        whole = await listed(scene.courses.officer, path)
        for limit in pages:
            assert await every_page(scene.courses.officer, path, limit) == whole


async def test_who_follows_the_pins_is_shown_again_what_may_have_company(courses):
    """Everything is shown; the place to go on from waits for those who write pins."""
    course = await courses.a_course(pinned=2)
    page = expect(200, await courses.officer.get("/pins"))
    assert (len(page["items"]), page["next"]) == (2, None)
    following = expect(200, await courses.officer.get("/pins", params={"after": page["resume"]}))
    assert following == {"items": [], "next": None, "resume": page["resume"]}
    async with courses.service.transaction() as tx:
        await tx.execute("LOCK TABLE pins IN ROW EXCLUSIVE MODE")
        expect(201, await courses.pin(course, await courses.grant()))
        shown = expect(200, await courses.officer.get("/pins", params={"after": page["resume"]}))
        assert (len(shown["items"]), shown["resume"]) == (1, page["resume"])
    again = expect(200, await courses.officer.get("/pins", params={"after": page["resume"]}))
    assert again["items"] == shown["items"]
    assert again["resume"] != page["resume"]


async def test_a_provider_follows_the_pins_too(courses):
    """Nobody has followed them before: what is settled is found out in the provider's own role."""
    await courses.a_course(pinned=2)
    page = expect(200, await courses.provider.get("/pins"))
    assert (len(page["items"]), page["resume"]) == (2, expect(200, await courses.officer.get("/pins"))["resume"])


async def test_a_provider_reads_its_own_only(scene):
    """Also where it asks for another's; nobody reads without signing in."""
    ours, theirs = scene.courses.provider, scene.other
    assert scene.names(await listed(ours, "/courses")) == ["past", "full_enough", "next_year"]
    assert scene.names(await listed(theirs, "/courses")) == ["theirs"]
    assert (len(await listed(ours, "/pins")), await listed(theirs, "/pins")) == (11, [])
    for path in ("/courses", "/pins"):
        assert await listed(theirs, path, provider_id=PROVIDER) == []
        assert (await scene.courses.service.http(None).get(path)).status_code == 401


async def test_the_database_itself_keeps_other_providers_rows(scene):
    """Row-level security is the second wall: the same SQL without the provider in it."""
    wide, everything = CoursesWanted(), PinsWanted()
    for principal, courses, pins in (
        (Principal("worker", Role.PROVIDER, PROVIDER), 3, 11),
        (Principal("worker", Role.PROVIDER, OTHER_PROVIDER), 1, 0),
        (Principal("officer", Role.OFFICER), 4, 11),
    ):
        async with scene.courses.service.transaction(principal) as tx:
            assert len(await store.find_courses(tx, wide, on=TODAY, limit=100)) == courses
            assert len(await store.find_pins(tx, everything, limit=100)) == pins


@pytest.mark.parametrize("path", ["/courses", "/pins"])
async def test_unchanged_lists_are_not_sent_again(courses, path):
    """The ETag is of the content: 304 while it is the same, 200 once a client is pinned."""
    course = await courses.a_course(pinned=1)
    first = await courses.officer.get(path)
    known = {"if-none-match": first.headers["etag"]}
    same = await courses.officer.get(path, headers=known)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
    expect(201, await courses.pin(course, await courses.grant()))
    assert len(expect(200, await courses.officer.get(path, headers=known))["items"]) >= 1


@pytest.mark.parametrize(
    "path",
    [
        "/courses?stale=perhaps",
        "/courses?must_run=7",
        "/courses?service=x;%20drop",
        "/courses.csv?year=1999",
        "/pins?state=pinned",
        "/pins?after=-1",
        "/pins?after=x",
        "/pins?limit=0",
    ],
)
async def test_what_cannot_be_asked_for_is_refused(scene, path):
    assert expect(422, await scene.courses.officer.get(path))["code"] == "VALIDATION"


async def test_every_state_can_be_asked_for(scene):
    for state in CourseState:
        assert {item["state"] for item in await listed(scene.courses.officer, "/courses", state=state)} <= {state}
