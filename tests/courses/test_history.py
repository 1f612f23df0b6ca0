"""The history of courses and of decisions' pins: who, when, what, and why where somebody said it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.auth import Principal, Role
from chassis.history import read_history
from contracts.registration import AgeGroup
from services.courses.app import SERVICE
from services.courses.history import store
from tests.courses.builders import (
    CONTRACT,
    FIRST_DAY,
    OFFICE,
    OTHER_PROVIDER,
    PROVIDER,
    a_consent,
    a_description,
    a_proposal,
    a_transfer,
    contract_registered,
    descriptions_published,
    expect,
    office_registered,
    refusal,
    revoked,
    text,
)
from tests.courses.stories import FIRST, LATER, a_running_course, a_three_period_course, go_to
from tests.decision_refs import a_decision_ref

CONTACT = {"email": "kevat@sydankunto.fi", "phone": "+358171234569", "web": None}


async def history(courses, path: str, by=None, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = expect(200, await (by or courses.officer).get(f"{path}/history", params=query))[
        "items"
    ]
    return items


async def of_course(courses, course, by=None, **query: Any) -> list[dict[str, Any]]:
    return await history(courses, f"/courses/{course['course_id']}", by, **query)


async def of_decision(courses, decision, by=None, **query: Any) -> list[dict[str, Any]]:
    return await history(courses, f"/decisions/{decision.decision_ref}", by, **query)


def told(items: list[dict[str, Any]]) -> list[tuple[str, str, str | None]]:
    return [(item["action"], item["role"], item["reason"]) for item in items]


async def test_a_courses_history_says_who_did_what_and_when(courses):
    """One entry for each thing done, the course's own doings as the system's; E-36: to its end."""
    course, _ = await a_running_course(courses, FIRST[0], group_size=10)
    expect(200, await courses.put(course, "group-size", group_size=12))
    await go_to(courses, FIRST[-1] + timedelta(days=30))
    items = await of_course(courses, course)
    assert told(items) == [
        ("create_course", "provider", None),
        ("publish_course", "provider", None),
        ("confirm_course", "provider", None),
        ("begin_course", "system", None),
        ("resize_course", "provider", None),
        ("complete_course", "system", None),
    ]
    assert items[0]["detail"] == {
        "course_number": course["course_number"],
        "contract_id": CONTRACT,
        "office_id": OFFICE,
        "group_size": 10,
        "target_groups": ["group_a"],
        "age_group": None,
        "first_day": "2024-03-04",
        "last_day": "2024-08-09",
    }
    assert (items[2]["detail"], items[5]["detail"]) == ({"pinned": 6}, {"fulfilled": 6})
    assert items[4]["detail"] == {"before": 10, "after": 12}
    assert (items[0]["at"], items[3]["at"]) == ("2024-01-15T08:00:00Z", "2024-03-04T12:00:00Z")
    assert all(item["actor"] for item in items)


async def test_every_change_of_a_course_stands_in_its_history(courses):
    """E-43: contact details as well; what changed nothing is there as such."""
    course = await courses.a_course()
    path = f"/courses/{course['course_id']}"
    expect(200, await courses.put(course, "target-groups", target_groups=["group_b"]))
    expect(200, await courses.put(course, "contact", **CONTACT))
    expect(200, await courses.put(course, "contact", **CONTACT))
    expect(200, await courses.provider.delete(f"{path}/contact"))
    expect(200, await courses.reschedule(course, FIRST_DAY + timedelta(days=7)))
    items = (await of_course(courses, course))[2:]
    assert [item["action"] for item in items] == [
        "retarget_course",
        "set_contact",
        "set_contact",
        "link_contact",
        "reschedule_course",
    ]
    assert [item["detail"] for item in items[1:3]] == [CONTACT, {"unchanged": True}]
    moved = items[4]["detail"]
    assert (moved["before"][0], moved["after"][0]) == ("2024-03-04/2024-03-08", "2024-03-11/2024-03-15")
    assert (moved["late"], moved["consents"], moved["report_ids"]) == (False, 0, [])


async def test_a_late_move_stands_there_with_its_reason(courses):
    """E-15: the words are those of the report to Kela."""
    course = await courses.a_course(pinned=1)
    await courses.clock.set(datetime(2024, 2, 20, 9, tzinfo=UTC))
    expect(200, await courses.reschedule(course, FIRST_DAY + timedelta(days=7), reason="Ohjaaja sairastui"))
    last = (await of_course(courses, course))[-1]
    assert (last["action"], last["reason"]) == ("reschedule_course", "Ohjaaja sairastui")
    assert (last["detail"]["late"], len(last["detail"]["report_ids"])) == (True, 1)


async def test_the_end_of_a_course_stands_there_with_its_reason(courses):
    """E-34, E-36: the course is gone, what happened to it is not; its clients' pins were released by it."""
    course, [client, *_] = await a_running_course(courses, FIRST[0])
    expect(200, await courses.cancel(course, reason="Vesivahinko"))
    [*_, last] = await of_course(courses, course)
    assert (last["action"], last["role"], last["reason"]) == ("end_course", "officer", "Vesivahinko")
    assert last["detail"] == {"kind": "cancelled", "late": False, "released": 6}
    [_, released] = await of_decision(courses, client)
    assert (released["action"], released["role"]) == ("release_client", "officer")
    assert released["detail"]["reason"] == "course_cancelled"


async def test_a_deletion_says_where_its_clients_went(courses):
    """E-38."""
    course, target = await courses.a_course(), await courses.a_course()
    client = await courses.grant()
    expect(201, await courses.pin(course, client))
    expect(200, await courses.delete(course, transfers={client.decision_ref: a_transfer(target)}))
    assert (await of_course(courses, course))[-1]["action"] == "end_course"
    [_, transferred] = await of_decision(courses, client)
    assert (transferred["action"], transferred["detail"]["from_course_id"]) == ("move_client", course["course_id"])
    assert transferred["detail"]["to_course_number"] == target["course_number"]


async def test_a_late_confirmation_by_kela_stands_there_with_its_reason(courses):
    """E-40, R-CRS-43: and that the provider had told Kela before."""
    course = await courses.a_course(pinned=2)
    await go_to(courses, FIRST_DAY)
    problem = f"/courses/{course['course_id']}/confirmation-problem"
    expect(201, await courses.provider.post(problem, json={"reason": "Unohtui vahvistaa"}))
    expect(200, await courses.confirm_late(course, by=courses.officer, reason="Kurssi pidettiin"))
    assert told((await of_course(courses, course))[-2:]) == [
        ("report_unconfirmable", "provider", "Unohtui vahvistaa"),
        ("confirm_retroactively", "officer", "Kurssi pidettiin"),
    ]


async def test_a_past_course_that_did_not_happen_says_so(courses):
    """R-CRS-42, E-40."""
    course = await courses.a_course(pinned=1)
    await go_to(courses, FIRST_DAY)
    expect(200, await courses.did_not_happen(course, reason="Liian vähän osallistujia"))
    last = (await of_course(courses, course))[-1]
    assert (last["action"], last["detail"]["kind"]) == ("end_course", "did_not_happen")
    assert last["reason"] == "Liian vähän osallistujia"


async def test_a_revoked_decisions_pin_ends_in_its_history_by_the_systems_hand(courses):
    """R-CRS-44, E-19: once, however often the news comes; nobody's command did it."""
    course, client = await courses.a_course(), await courses.grant()
    expect(201, await courses.pin(course, client))
    await courses.know(revoked(client))
    await courses.know(revoked(client))
    items = await of_decision(courses, client)
    assert told(items) == [("pin_client", "provider", None), ("release_client", "system", None)]
    assert items[1]["detail"] == {
        "course_id": course["course_id"],
        "course_number": course["course_number"],
        "reason": "decision_revoked",
    }


async def test_a_clients_way_over_courses_is_told_with_the_reasons_given(courses):
    """R-CRS-29, R-CRS-16, E-20, E-33: cannot place, pin, move, unpin, pin, participation, interruption."""
    here = await a_three_period_course(courses, FIRST)
    there = await a_three_period_course(courses, LATER)
    client, others = await courses.grant(), [await courses.grant() for _ in range(6)]
    cannot = f"/decisions/{client.decision_ref}/cannot-place"
    expect(201, await courses.provider.post(cannot, json={"reason": "no_course_fits"}))
    for one in (*others, client):
        expect(201, await courses.pin(here, one))
    expect(201, await courses.move(here, there, client, reason="Lähempänä kotia"))
    expect(200, await courses.unpin(there, client))
    expect(201, await courses.pin(here, client))
    expect(200, await courses.unpin(here, client, reason="Asiakas sairastui"))
    expect(201, await courses.pin(here, client))
    expect(200, await courses.confirm(here))
    await go_to(courses, FIRST[0] + timedelta(days=7))
    expect(200, await courses.note(here, client, attended=[1]))
    expect(200, await courses.interrupt(here, client))
    items = await of_decision(courses, client)
    assert told(items) == [
        ("report_cannot_place", "provider", "no_course_fits"),
        ("pin_client", "provider", None),
        ("move_client", "provider", "Lähempänä kotia"),
        ("unpin_client", "provider", None),
        ("pin_client", "provider", None),
        ("unpin_client", "provider", "Asiakas sairastui"),
        ("pin_client", "provider", None),
        ("note_participation", "provider", None),
        ("interrupt_rehabilitation", "provider", None),
    ]
    assert items[2]["detail"] == {
        "from_course_id": here["course_id"],
        "from_course_number": here["course_number"],
        "to_course_id": there["course_id"],
        "to_course_number": there["course_number"],
        "left_version": 2,
        "consent_by": "client",
        "consent_channel": "phone",
        "consent_given_on": "2024-01-15",
    }
    assert (items[7]["detail"]["attended"], items[7]["detail"]["missed"]) == ([1], [])


async def test_completing_a_course_fulfils_its_pins_in_their_history(courses):
    course, [client, *_] = await a_running_course(courses, FIRST[0])
    await go_to(courses, FIRST[-1] + timedelta(days=30))
    last = (await of_decision(courses, client))[-1]
    assert (last["action"], last["role"]) == ("fulfil_pin", "system")
    assert last["detail"] == {"course_id": course["course_id"], "attended": [1, 2, 3]}


async def test_mixed_ages_and_who_was_told_of_them_stand_in_the_history(empty_courses):
    """R-CRS-48, E-47."""
    young = AgeGroup(code="under_68", names=text("alle 68"), min_age=18, max_age=67)
    described = descriptions_published(a_description(min_age=18, age_groups=(young,)))
    await empty_courses.know(described, office_registered(), contract_registered({2024: 12}))
    course = await empty_courses.a_course(pinned=1, age_group="under_68")
    path = f"/courses/{course['course_id']}"
    expect(200, await empty_courses.provider.post(f"{path}/mixed-age", json={"raising_not_possible": True}))
    [pin] = await empty_courses.pins_of(course)
    expect(200, await empty_courses.put(course, f"age-notices/{pin['decision_ref']}", **a_consent()))
    [*_, mixed, told_of] = await of_course(empty_courses, course)
    assert (mixed["action"], mixed["detail"]) == (
        "mix_ages",
        {"age_group": "under_68", "free": 0, "raising_possible": False},
    )
    assert (told_of["action"], told_of["detail"]) == (
        "acknowledge_mixed_ages",
        {"decision_ref": pin["decision_ref"], "given_on": "2024-01-15", "given_by": "client", "channel": "phone"},
    )


async def test_unfinished_courses_leave_their_rows_too(courses):
    """E-42: imported and completed, which creates a course like any other; or deleted."""
    body = {"legacy_ref": "83238", "contract_id": CONTRACT, "saved_on": "2024-09-27", "known": {"group_size": 14}}
    whole = a_proposal()
    del whole["contract_id"]
    done, gone = [
        expect(201, await courses.officer.post("/legacy-drafts", json=body | {"legacy_ref": ref}))["draft_id"]
        for ref in ("83238", "83239")
    ]
    course = expect(201, await courses.provider.post(f"/legacy-drafts/{done}/completion", json=whole))
    expect(200, await courses.provider.delete(f"/legacy-drafts/{gone}"))
    assert told(await of_course(courses, course)) == [("create_course", "provider", None)]
    async with courses.service.transaction() as tx:
        entries = {ref: await read_history(tx, SERVICE.audited, f"legacy-draft:{ref}", limit=9) for ref in (done, gone)}
    assert [entry.action for entry in entries[done]] == ["import_draft", "complete_draft"]
    assert [entry.action for entry in entries[gone]] == ["import_draft", "delete_draft"]


async def test_a_provider_reads_its_own_history_with_the_names_of_its_own_people(courses):
    """Others appear by their role; another provider finds nothing."""
    course, client = await courses.a_course(), await courses.grant()
    expect(201, await courses.pin(course, client))
    await courses.know(revoked(client))
    items = await of_decision(courses, client, by=courses.provider)
    assert [(item["role"], item["actor"] is not None) for item in items] == [("provider", True), ("system", False)]
    assert len(await of_course(courses, course, by=courses.provider)) == 2
    stranger = courses.service.http(Role.PROVIDER, OTHER_PROVIDER)
    for path, code in (
        (f"/courses/{course['course_id']}", "COURSE_UNKNOWN"),
        (f"/decisions/{client.decision_ref}", "DECISION_UNKNOWN"),
    ):
        assert refusal(await stranger.get(f"{path}/history"), 404)[0] == code
        assert (await courses.service.http(None).get(f"{path}/history")).status_code == 401
    for unknown in ("/courses/nowhere/history", f"/decisions/{a_decision_ref(99999)}/history"):
        assert (await courses.officer.get(unknown)).status_code == 404


async def test_the_database_itself_keeps_the_reasons_of_other_providers(courses):
    """Row-level security is the second wall: reasons are words, and stand in tables that have it."""
    course, _ = await a_running_course(courses, FIRST[0])
    expect(200, await courses.cancel(course, reason="Vesivahinko"))
    for provider_id, found in ((PROVIDER, "Vesivahinko"), (OTHER_PROVIDER, None)):
        async with courses.service.transaction(Principal("worker", Role.PROVIDER, provider_id)) as tx:
            assert await store.find_reason_of_end(tx, course["course_id"]) == found


async def test_a_history_comes_page_by_page(courses):
    """Oldest first; a page that ends in the middle gives the reasons of its own entries."""
    course, _ = await a_running_course(courses, FIRST[0])
    expect(200, await courses.cancel(course, reason="Vesivahinko"))
    seen, after = [], 0
    while after is not None:
        answer = await courses.officer.get(
            f"/courses/{course['course_id']}/history", params={"limit": 2, "after": after}
        )
        page = expect(200, answer)
        assert len(page["items"]) <= 2
        seen += page["items"]
        after = page["next"]
    assert seen == await of_course(courses, course)
    assert len(seen) == 5
    for wrong in ("limit=0", "after=-1", "after=x"):
        answer = await courses.officer.get(f"/courses/{course['course_id']}/history?{wrong}")
        assert expect(422, answer)["code"] == "VALIDATION"


@pytest.mark.parametrize("what", ["course", "pin"])
async def test_a_refused_command_leaves_nothing(courses, what):
    """The row is of the command's own transaction."""
    course, client = await courses.a_course(), await courses.grant()
    expect(201, await courses.pin(course, client))
    path = course if what == "course" else client
    read = of_course if what == "course" else of_decision
    before = await read(courses, path)
    assert refusal(await courses.confirm(course))[0] == "CONFIRM_TOO_FEW"
    assert refusal(await courses.note(course, client, attended=[1]))[0] == "PERIOD_NOT_BEGUN"
    assert await read(courses, path) == before
