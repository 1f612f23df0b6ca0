"""Kela's work list, contacts and answers."""

import csv
import io
from datetime import UTC, date, datetime

import asyncpg
import pytest

from chassis.auth import PUBLIC, Principal, Role
from contracts.courses import ClientMoved
from contracts.values import CourseState, PinState, ReleaseReason
from tests.decisions.builders import (
    COURSE,
    HEART,
    PROVIDER,
    a_description,
    a_pin,
    course_confirmed,
    described,
    expect,
    pinned,
    refusal,
    registered,
    unpinned,
)
from tests.decisions.following import Following

# Granted on 15 January 2024, with six months: the deadline is 15 July.
DEADLINE = "2024-07-15"


@pytest.fixture
def kela(decisions) -> Following:
    return Following(decisions)


async def on(decisions, day: str, hour_utc: int = 9) -> None:
    await decisions.clock.set(
        datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).replace(hour=hour_utc)
    )


async def test_acceptance_example_4_an_item_comes_when_its_day_is_near_and_is_overdue_the_day_after(decisions, kela):
    """Acceptance example 4, R-CRS-19, R-CRS-20, R-CRS-21, E-10, E-11, E-16: 28.2.2025, listed from 1.3.2025.

    The deadline holds to the end of its day in Helsinki.
    """
    heart = a_description(service=HEART, confirm_within_months=4)
    await decisions.know(described(heart), registered({2024: 5}, contract_id="h", service=HEART))
    await on(decisions, "2024-08-31")
    rare = (await decisions.grant(applied_on="2024-08-01"))["decision_ref"]
    await on(decisions, "2024-10-31")
    cardiac = (await decisions.grant(applied_on="2024-10-01", contract_id="h"))["decision_ref"]
    for day, hour, expected in (
        ("2025-01-28", 21, None),
        ("2025-01-28", 22, "nearing"),  # the 29th in Helsinki, 30 days before
        ("2025-02-28", 21, "nearing"),
        ("2025-02-28", 22, "overdue"),  # 1 March, 00:00 in Helsinki
        ("2025-03-01", 9, "overdue"),
    ):
        await on(decisions, day, hour)
        assert await kela.states() == (dict.fromkeys((rare, cardiac), expected) if expected else {}), (day, hour)
        assert (await kela.show(rare))["state"] == (expected or "watched")
    for item in await kela.work():
        assert (item["confirm_by"], item["due_on"]) == ("2025-02-28", "2025-02-28")
        assert (item["pinned_to"], item["contacted_on"]) == (None, None)


async def test_the_heart_course_comes_to_the_list_after_four_months(decisions, kela):
    """R-CRS-20, E-13: the months of the description in force when the decision was given, also after a later one."""
    heart = a_description(service=HEART, confirm_within_months=4)
    await decisions.know(described(heart), registered({2024: 5}, contract_id="h", service=HEART))
    ref = (await decisions.grant(contract_id="h"))["decision_ref"]
    later = a_description(service=HEART, confirm_within_months=6, description_version=2, valid_from=date(2024, 2, 1))
    await decisions.know(
        described(a_description(service=HEART, confirm_within_months=4, valid_to=date(2024, 1, 31)), later, version=2)
    )
    await on(decisions, "2024-05-16")
    assert await kela.states() == {ref: "overdue"}


async def test_an_outage_at_the_deadline_misses_nothing(decisions, kela):
    """E-11, E-16: no timer puts an item on the list, so none is late and none comes twice."""
    ref = (await decisions.grant())["decision_ref"]
    await on(decisions, "2025-03-01")
    assert await kela.states() == {ref: "overdue"}
    await decisions.service.fire_timers()
    assert await kela.states() == {ref: "overdue"}


async def test_nobody_is_on_the_list_whose_course_was_confirmed_or_took_place(decisions, kela):
    """R-CRS-40, E-40: at once, and alike for a course confirmed after its start."""
    in_time, late, done = [(await decisions.grant())["decision_ref"] for _ in range(3)]
    await on(decisions, "2024-07-20")
    for number, ref in enumerate((in_time, late, done)):
        course = {"course_id": f"course-{number}", "state": CourseState.PUBLISHED}
        await decisions.know(pinned(ref, course_id=f"course-{number}"), course_confirmed(**course))
    # The courses began in February and nobody said so: the provider is asked, not the client.
    assert await kela.states() == dict.fromkeys((in_time, late, done), "course_unanswered")
    await decisions.know(course_confirmed(version=2, course_id="course-0"))
    assert set(await kela.states()) == {late, done}
    late_course = {"course_id": "course-1", "state": CourseState.RUNNING, "late_confirmed": True}
    await decisions.know(course_confirmed(version=2, **late_course))
    assert set(await kela.states()) == {done}
    await decisions.know(pinned(done, version=2, course_id="course-2", state=PinState.FULFILLED))
    assert await kela.states() == {}
    for ref in (in_time, late, done):
        shown = await kela.show(ref)
        assert (shown["open"], shown["confirmed"], shown["state"]) == (False, True, None)


async def test_a_course_that_did_not_take_place_brings_its_clients_back(decisions, kela):
    """E-40, E-34: "no" releases the pins and reopens the deadlines."""
    ref = (await decisions.grant())["decision_ref"]
    await decisions.know(pinned(ref), course_confirmed(state=CourseState.PUBLISHED))
    await on(decisions, "2024-07-20")
    await decisions.know(unpinned(ref, reason=ReleaseReason.DID_NOT_HAPPEN))
    assert await kela.states() == {ref: "overdue"}


async def test_a_course_that_has_not_begun_holds_no_contact_up(decisions, kela):
    """R-CRS-21: pinned to an unconfirmed course in the future, the client has waited too long."""
    ref = (await decisions.grant())["decision_ref"]
    await on(decisions, "2024-07-20")
    future = tuple(
        period.model_copy(
            update={"first_day": period.first_day.replace(year=2025), "last_day": period.last_day.replace(year=2025)}
        )
        for period in course_confirmed().course.periods
    )
    await decisions.know(pinned(ref), course_confirmed(state=CourseState.PUBLISHED, periods=future))
    [item] = await kela.work()
    assert (item["state"], item["pinned_to"], item["first_day"]) == ("overdue", COURSE, "2025-02-19")


async def test_a_client_moved_to_a_confirmed_course_leaves_the_list(decisions, kela):
    """E-26: the newest pin counts; the deadline stays."""
    ref = (await decisions.grant())["decision_ref"]
    await on(decisions, "2024-07-20")
    await decisions.know(course_confirmed(state=CourseState.PUBLISHED), course_confirmed(course_id="course-2"))
    await decisions.know(pinned(ref))
    assert list(await kela.states()) == [ref]
    moved = a_pin(ref, state=PinState.MOVED, occupies_place=False, moved_to="course-2")
    await decisions.know(ClientMoved(version=2, pin=moved), pinned(ref, version=3, course_id="course-2"))
    assert await kela.states() == {}
    await decisions.know(unpinned(ref, version=4, course_id="course-2"))
    [item] = await kela.work()
    assert (item["state"], item["due_on"]) == ("overdue", DEADLINE)


async def test_a_decision_that_has_ended_is_followed_no_more(decisions, kela):
    """E-21: revoked, rejected or waiting: nobody is contacted."""
    revoked, kept = await decisions.grant(), await decisions.grant()
    await decisions.apply(outcome="rejected")
    await decisions.set_quota(2)
    await decisions.wait()
    await on(decisions, "2024-07-20")
    assert set(await kela.states()) == {revoked["decision_ref"], kept["decision_ref"]}
    expect(200, await decisions.revoke(revoked))
    assert set(await kela.states()) == {kept["decision_ref"]}
    code, values = refusal(await kela.contact(revoked["decision_ref"], "2024-07-20"))
    assert (code, values) == ("FOLLOW_UP_CLOSED", {"state": "revoked", "confirmed": False})


async def test_contacts_are_noted_with_day_channel_and_who(decisions, kela):
    """R-CRS-21, E-58: also that nobody was reached; everything stays in the history."""
    ref = (await decisions.grant())["decision_ref"]
    await on(decisions, "2024-07-20")
    expect(201, await kela.contact(ref, "2024-07-18", reached=None))
    answer = await kela.contact(ref, "2024-07-20", reached="guardian")
    assert expect(201, answer) == {
        "decision_ref": ref,
        "version": 2,
        "next_on": None,
        "contacted_on": "2024-07-20",
        "swap_wanted": False,
    }
    assert answer.headers["etag"] == '"2"'
    assert await kela.states() == {ref: "contacted"}
    history = (await kela.show(ref))["history"]
    assert [(e["kind"], e["happened_on"], e["channel"], e["spoken_with"]) for e in history] == [
        ("contacted", "2024-07-18", "phone", None),
        ("contacted", "2024-07-20", "phone", "guardian"),
    ]
    assert all(entry["noted_by"] for entry in history)


@pytest.mark.parametrize("day", ["2024-01-14", "2024-07-21"])
async def test_a_contact_lies_between_the_decision_and_today(decisions, kela, day):
    ref = (await decisions.grant())["decision_ref"]
    await on(decisions, "2024-07-20")
    code, values = refusal(await kela.contact(ref, day), 422)
    assert (code, values) == ("CONTACT_DAY_INVALID", {"earliest": "2024-01-15", "today": "2024-07-20"})


async def test_a_client_who_stays_is_asked_again_on_the_day_agreed(decisions, kela):
    """E-65: a new follow-up date, logged, with who answered (E-58)."""
    ref = (await decisions.grant())["decision_ref"]
    await on(decisions, "2024-07-20")
    expect(201, await kela.contact(ref, "2024-07-20"))
    stayed = expect(200, await kela.stay(ref, "2024-07-20", "2024-10-01", given_by="guardian"))
    assert (stayed["next_on"], stayed["contacted_on"], stayed["version"]) == ("2024-10-01", None, 2)
    assert await kela.states() == {}
    for day, expected in (("2024-09-01", "nearing"), ("2024-10-01", "nearing"), ("2024-10-02", "overdue")):
        await on(decisions, day)
        assert await kela.states() == {ref: expected}
    [_, answer] = (await kela.show(ref))["history"]
    assert (answer["kind"], answer["spoken_with"], answer["next_on"]) == ("stays", "guardian", "2024-10-01")
    assert (await decisions.get({"decision_ref": ref}))["confirm_by"] == DEADLINE


@pytest.mark.parametrize("next_on", ["2024-07-20", "2024-07-01", "2025-07-21"])
async def test_the_next_day_lies_ahead_within_a_year(decisions, kela, next_on):
    """E-65: a mistyped day forgets nobody."""
    ref = (await decisions.grant())["decision_ref"]
    await on(decisions, "2024-07-20")
    code, values = refusal(await kela.stay(ref, "2024-07-20", next_on), 422)
    assert (code, values) == ("NEXT_DAY_INVALID", {"today": "2024-07-20", "latest": "2025-07-20"})
    assert (await kela.show(ref))["version"] == 0


async def test_a_client_who_wants_another_provider_stays_on_the_list_until_there_is_one(decisions, kela):
    """E-65, E-66: waits visibly; the old decision stays meanwhile; without another provider it is watched anew."""
    ref = (await decisions.grant())["decision_ref"]
    await on(decisions, "2024-07-20")
    expect(200, await kela.wish(ref, "2024-07-20", given_by="guardian"))
    assert await kela.states() == {ref: "swap_wanted"}
    assert await kela.states(state="swap_wanted", due_before="2024-07-16") == {ref: "swap_wanted"}
    assert await decisions.states({"decision_ref": ref}) == ["granted"]
    expect(200, await kela.end_swap(ref, "2024-09-02"))
    assert await kela.states() == {}
    assert refusal(await kela.end_swap(ref, "2024-09-02"))[0] == "SWAP_NOT_WANTED"
    await on(decisions, "2024-09-03")
    assert await kela.states() == {ref: "overdue"}
    assert [entry["kind"] for entry in (await kela.show(ref))["history"]] == ["swap_wanted", "swap_ended"]


async def test_a_client_may_stay_after_all(decisions, kela):
    """E-65: the last answer counts."""
    ref = (await decisions.grant())["decision_ref"]
    await on(decisions, "2024-07-20")
    expect(200, await kela.wish(ref, "2024-07-20"))
    assert expect(200, await kela.stay(ref, "2024-07-20", "2024-08-30"))["swap_wanted"] is False


async def test_the_provider_may_be_changed_after_the_deadline_only(decisions, kela):
    """R-CRS-21, E-11: the last day is still the provider's."""
    ref = (await decisions.grant())["decision_ref"]
    await on(decisions, DEADLINE)
    code, values = refusal(await kela.wish(ref, DEADLINE))
    assert (code, values) == ("DEADLINE_NOT_PASSED", {"confirm_by": DEADLINE, "today": DEADLINE})
    await on(decisions, "2024-07-16")
    expect(200, await kela.wish(ref, "2024-07-16"))


async def test_a_swap_wish_ends_with_its_reason(decisions, kela):
    """E-65, R-CRS-40: a course confirmed meanwhile takes the item off the list."""
    ref = (await decisions.grant())["decision_ref"]
    await on(decisions, "2024-07-20")
    expect(200, await kela.wish(ref, "2024-07-20"))
    await decisions.know(pinned(ref), course_confirmed())
    assert await kela.states() == {}
    assert refusal(await kela.end_swap(ref, "2024-09-02"))[0] == "FOLLOW_UP_CLOSED"


async def test_a_stale_note_changes_nothing(decisions, kela):
    """If-Match: an officer answers what another has seen."""
    ref = (await decisions.grant())["decision_ref"]
    await on(decisions, "2024-07-20")
    expect(201, await kela.contact(ref, "2024-07-20", **{"if-match": '"0"'}))
    answer = await kela.contact(ref, "2024-07-20", **{"if-match": '"0"'})
    assert refusal(answer, 412) == ("STALE_VERSION", {"current": 1})
    assert len((await kela.show(ref))["history"]) == 1


async def test_what_kela_and_its_client_talk_about_is_no_providers(decisions, kela):
    """Officers and systems only; row-level security says it a second time."""
    ref = (await decisions.grant())["decision_ref"]
    await on(decisions, "2024-07-20")
    expect(201, await kela.contact(ref, "2024-07-20"))
    for path in ("/follow-ups", "/follow-ups.csv", f"/decisions/{ref}/follow-up", f"/decisions/{ref}/planned-periods"):
        assert refusal(await decisions.provider.get(path), 403)[0] == "NOT_ALLOWED"
    for table in ("follow_ups", "follow_up_entries"):
        async with decisions.service.transaction(Principal("officer", Role.OFFICER)) as tx:
            assert await tx.fetchval(f"SELECT count(*) FROM {table}") == 1
        for principal in (Principal("worker", Role.PROVIDER, PROVIDER), PUBLIC):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with decisions.service.transaction(principal) as tx:
                    await tx.fetchval(f"SELECT count(*) FROM {table}")


async def test_the_list_is_filtered_and_read_page_by_page(decisions, kela):
    """R-CRS-21: by service, state and day; an item that leaves between two pages skips nobody else."""
    heart = a_description(service=HEART, confirm_within_months=4)
    await decisions.know(described(heart), registered({2024: 5}, contract_id="h", service=HEART))
    hearts = [(await decisions.grant(contract_id="h"))["decision_ref"] for _ in range(2)]
    rares = []
    for day in range(16, 21):
        await on(decisions, f"2024-01-{day}")
        rares.append((await decisions.grant())["decision_ref"])
    await on(decisions, "2024-07-18")
    assert set(await kela.states(service=HEART)) == set(hearts)
    assert set(await kela.states(state="overdue")) == {*hearts, *rares[:2]}
    assert set(await kela.states(state="nearing")) == set(rares[2:])
    assert set(await kela.states(due_before="2024-07-17")) == {*hearts, rares[0]}
    first = expect(200, await decisions.officer.get("/follow-ups", params={"limit": 3}))
    assert [item["decision_ref"] for item in first["items"]] == [*sorted(hearts), rares[0]]
    expect(200, await kela.stay(rares[0], "2024-07-18", "2025-01-01"))
    rest = expect(200, await decisions.officer.get("/follow-ups", params={"after": first["next"], "limit": 10}))
    assert ([item["decision_ref"] for item in rest["items"]], rest["next"]) == (rares[1:], None)
    assert set(await kela.states(state="watched")) == {rares[0]}
    assert set(await kela.states(due_before="2025-12-31")) == {*hearts, *rares}


@pytest.mark.parametrize("after", ["nonsense", "2024-13-01.0000000000000", "2024-01-01"])
async def test_a_broken_cursor_is_refused(decisions, after):
    answer = await decisions.officer.get("/follow-ups", params={"after": after})
    assert refusal(answer, 422)[0] == "VALIDATION"


async def test_an_unchanged_list_is_not_sent_again(decisions, kela):
    first = await decisions.officer.get("/follow-ups")
    again = await decisions.officer.get("/follow-ups", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("language", "state", "header"),
    [
        ("en", "The day has passed", "Decision identifier"),
        ("fi", "Määräpäivä on ohi", "Päätöksen tunniste"),
        ("sv", "Dagen har passerat", "Beslutets identifikation"),
    ],
)
async def test_the_list_is_taken_home_as_a_file(decisions, kela, language, state, header):
    """R-CRS-21: the same items as in the list, in the reader's language; no id of a text is shown."""
    ref = (await decisions.grant())["decision_ref"]
    await on(decisions, "2024-07-20")
    headers = {"accept-language": language}
    answer = await decisions.officer.get("/follow-ups.csv", headers=headers)
    [line] = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";")
    assert line[header] == ref
    assert state in line.values()
    assert DEADLINE in line.values()
    assert not [column for column in line if column.startswith("column-")]
    sheet = await decisions.officer.get("/follow-ups.xlsx", headers=headers)
    assert (sheet.status_code, sheet.content[:2]) == (200, b"PK")
    nothing = await decisions.officer.get("/follow-ups.csv", params={"service": HEART})
    assert len(nothing.content.decode("utf-8-sig").splitlines()) == 1


async def test_a_service_without_a_known_deadline_puts_nobody_on_the_list(decisions, kela):
    """E-13: unknown is unknown; a day agreed with the client counts all the same."""
    await decisions.know(
        described(a_description(service=HEART, confirm_within_months=None)),
        registered({2024: 5}, contract_id="h", service=HEART),
    )
    ref = (await decisions.grant(contract_id="h"))["decision_ref"]
    await on(decisions, "2024-12-20")
    assert await kela.states() == {}
    assert await kela.states(state="watched") == {ref: "watched"}
    expect(200, await kela.stay(ref, "2024-12-20", "2024-12-21"))
    assert await kela.states() == {ref: "nearing"}
