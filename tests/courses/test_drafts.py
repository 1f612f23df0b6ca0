"""Unfinished courses of the older system: read-only, to be completed or deleted (R-CRS-38, E-42)."""

import asyncio
from datetime import date

import pytest

from chassis.auth import Principal, Role
from contracts.refusals import Refusal
from services.courses.drafts import domain, store
from services.courses.drafts.domain import Draft
from tests.courses.builders import CONTRACT, OFFICE, OTHER_PROVIDER, PROVIDER, a_proposal, expect, refusal
from tests.courses.consistency import assert_consistent
from tests.races import meet

KNOWN = {"group_size": 14, "target_groups": ["group_a"], "periods": [{"first_day": "2023-09-04", "mode": "online"}]}


async def a_draft(courses, **differences):
    body = {"legacy_ref": "83238", "contract_id": CONTRACT, "saved_on": "2024-09-27", "known": KNOWN} | differences
    return await courses.officer.post("/legacy-drafts", json=body)


def whole(**differences):
    body = a_proposal(**differences)
    del body["contract_id"]
    return body


def test_drafts_of_before_the_cut_over_are_taken_over():
    """R-CRS-38, E-42: 28.9.2024 by default, a parameter."""
    domain.require_saved_before(date(2024, 9, 27))
    domain.require_saved_before(date(2024, 11, 1), cut_over=date(2024, 11, 2))
    with pytest.raises(Refusal) as caught:
        domain.require_saved_before(date(2024, 9, 28))
    assert (caught.value.code, caught.value.values) == (
        "DRAFT_TOO_NEW",
        {"saved_on": date(2024, 9, 28), "cut_over": date(2024, 9, 28)},
    )


def test_a_draft_ends_once():
    """E-42."""
    draft = Draft("draft-1", 1, "83238", CONTRACT, PROVIDER, date(2024, 9, 1), {})
    done = domain.completed(draft, "course-1")
    assert (done.version, done.course_id) == (2, "course-1")
    for over in (done, domain.deleted(draft)):
        with pytest.raises(Refusal, match="DRAFT_GONE"):
            domain.deleted(over)


async def test_a_draft_is_shown_as_it_came_whatever_is_missing(courses):
    """E-42: nothing of it is checked, it takes no place and is no course."""
    draft = expect(201, await a_draft(courses))
    assert (draft["state"], draft["provider_id"], draft["known"]["office_id"]) == ("unfinished", PROVIDER, None)
    assert draft["known"]["periods"] == [{"first_day": "2023-09-04", "last_day": None, "mode": "online"}]
    path = f"/legacy-drafts/{draft['draft_id']}"
    shown = await courses.provider.get(path)
    assert (expect(200, shown), shown.headers["etag"]) == (draft, '"1"')
    assert await courses.ledger() == (100, 0, 100)
    assert expect(200, await courses.officer.get("/courses"))["items"] == []
    assert (await courses.provider.put(path, json=whole())).status_code == 405
    assert (await courses.provider.patch(path, json=whole())).status_code == 405


async def test_a_draft_is_completed_as_a_whole_course_with_everything_checked(courses):
    """R-CRS-38, E-42: the same rules as for every new course."""
    draft = expect(201, await a_draft(courses))
    path = f"/legacy-drafts/{draft['draft_id']}"
    completion = f"{path}/completion"
    too_big = await courses.provider.post(completion, json=whole(group_size=14))
    assert refusal(too_big) == ("GROUP_SIZE_OUT_OF_RANGE", {"group_size": 14, "group_min": 6, "group_max": 12})
    past = await courses.provider.post(completion, json=whole(first_day=date(2023, 9, 4)))
    assert refusal(past)[0] == "PERIODS_IN_PAST"
    assert refusal(await courses.provider.post(completion, json={"office_id": OFFICE}), status=422)[0] == "VALIDATION"
    assert expect(200, await courses.provider.get(path))["state"] == "unfinished"
    answer = await courses.provider.post(completion, json=whole())
    course = expect(201, answer)
    assert answer.headers["rekku-known"] == f"course:{course['course_id']}@1, legacy-draft:{draft['draft_id']}@2"
    known = {"rekku-known": answer.headers["rekku-known"]}
    assert (await courses.provider.get(path, headers=known)).status_code == 200
    assert (course["state"], course["contract_id"]) == ("created", CONTRACT)
    assert await courses.ledger() == (100, 12, 88)
    done = expect(200, await courses.provider.get(path))
    assert (done["state"], done["course_id"], done["version"]) == ("completed", course["course_id"], 2)
    assert refusal(await courses.provider.post(completion, json=whole())) == (
        "DRAFT_GONE",
        {"state": "completed", "course_id": course["course_id"]},
    )
    await assert_consistent(courses.service)


async def test_a_draft_can_be_deleted_and_is_then_over(courses):
    """E-42."""
    draft = expect(201, await a_draft(courses))
    path = f"/legacy-drafts/{draft['draft_id']}"
    stale = await courses.provider.delete(path, headers={"if-match": '"7"'})
    assert refusal(stale, 412) == ("STALE_VERSION", {"current": 1})
    assert expect(200, await courses.provider.delete(path))["state"] == "deleted"
    assert refusal(await courses.provider.delete(path)) == ("DRAFT_GONE", {"state": "deleted", "course_id": None})
    assert refusal(await courses.provider.post(f"{path}/completion", json=whole()))[0] == "DRAFT_GONE"


async def test_a_draft_is_imported_once_and_only_by_kela(courses):
    """E-42: new unfinished courses cannot be saved."""
    expect(201, await a_draft(courses))
    assert refusal(await a_draft(courses))[0] == "DRAFT_EXISTS"
    assert refusal(await a_draft(courses, legacy_ref="1", contract_id="nowhere"))[0] == "CONTRACT_UNKNOWN"
    assert refusal(await a_draft(courses, legacy_ref="1", saved_on="2024-09-28")) == (
        "DRAFT_TOO_NEW",
        {"saved_on": "2024-09-28", "cut_over": "2024-09-28"},
    )
    by_provider = await courses.provider.post(
        "/legacy-drafts", json={"legacy_ref": "1", "contract_id": CONTRACT, "saved_on": "2024-09-01"}
    )
    assert refusal(by_provider, status=403)[0] == "NOT_ALLOWED"


async def test_drafts_are_listed_and_each_provider_sees_its_own(courses):
    drafts = [expect(201, await a_draft(courses, legacy_ref=ref)) for ref in ("74216", "83238", "89639")]
    expect(200, await courses.provider.delete(f"/legacy-drafts/{drafts[1]['draft_id']}"))
    page = expect(200, await courses.provider.get("/legacy-drafts", params={"state": "unfinished", "limit": 1}))
    assert [item["legacy_ref"] for item in page["items"]] == ["74216"]
    more = {"state": "unfinished", "after": page["next"]}
    rest = expect(200, await courses.provider.get("/legacy-drafts", params=more))
    assert ([item["legacy_ref"] for item in rest["items"]], rest["next"]) == (["89639"], None)
    other = courses.service.http(Role.PROVIDER, OTHER_PROVIDER)
    assert expect(200, await other.get("/legacy-drafts"))["items"] == []
    path = f"/legacy-drafts/{drafts[0]['draft_id']}"
    for answer in (
        await other.get(path),
        await other.delete(path),
        await other.post(f"{path}/completion", json=whole()),
    ):
        assert refusal(answer, status=404)[0] == "DRAFT_UNKNOWN"


async def test_a_draft_completed_by_many_at_once_becomes_one_course(courses):
    """R-CRS-38: the draft's row lock decides."""
    draft = expect(201, await a_draft(courses))
    path = f"/legacy-drafts/{draft['draft_id']}"
    answers = await asyncio.gather(
        *(courses.provider.post(f"{path}/completion", json=whole()) for _ in range(6)), courses.provider.delete(path)
    )
    assert [answer.status_code < 300 for answer in answers].count(True) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code >= 300} == {"DRAFT_GONE"}
    assert len(expect(200, await courses.officer.get("/courses"))["items"]) == (answers[-1].status_code != 200)
    await assert_consistent(courses.service)


async def test_without_the_row_lock_one_draft_would_become_two_courses(courses, monkeypatch):
    """R-CRS-38, negative control."""
    draft = expect(201, await a_draft(courses))
    meet(courses.service, monkeypatch, store, "lock_draft", "get_draft", locking=False)
    path = f"/legacy-drafts/{draft['draft_id']}/completion"
    answers = await asyncio.gather(*(courses.provider.post(path, json=whole()) for _ in range(2)))
    made = {expect(201, answer)["course_id"] for answer in answers}
    assert len(made) == 2


async def test_row_level_security_hides_endings_and_drafts_of_others(courses):
    """The second wall."""
    expect(201, await a_draft(courses))
    expect(200, await courses.delete(await courses.a_course()))
    for provider_id, rows in ((PROVIDER, 1), (OTHER_PROVIDER, 0)):
        async with courses.service.transaction(Principal("worker", Role.PROVIDER, provider_id)) as tx:
            for table in ("course_endings", "legacy_drafts"):
                assert await tx.fetchval(f"SELECT count(*) FROM {table}") == rows
