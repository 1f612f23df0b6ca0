"""Audit findings over HTTP: Kela finds, the provider acts, Kela follows; reminders come once."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from chassis.auth import Role
from chassis.db import Transaction
from contracts.registration import AuditFindingChanged, NoticeGiven
from contracts.values import FindingState
from services.registration.audits import handlers, store
from services.registration.audits.domain import Category, Reminder
from tests.races import meet
from tests.registration.builders import (
    OURS,
    PERSONAL_IDENTITY_CODE,
    THEIRS,
    finding_body,
    opened_finding,
    registered_contract,
    registered_office,
)

ACTION = {"action": "Koulutukset on pidetty.\nTodistukset ovat henkilöstökansiossa."}
TWO_WEEKS_BEFORE = datetime(2024, 3, 16, 22, tzinfo=UTC)
THE_DAY_AFTER = datetime(2024, 3, 31, 21, tzinfo=UTC)


@pytest.fixture
async def registration(registration):
    """What a first start makes up for (the defaults of last November) is done."""
    await registration.fire_timers()
    return registration


async def report(registration, finding_id: str, provider_id: str = OURS, **headers):
    provider = registration.http(Role.PROVIDER, provider_id)
    return await provider.post(f"/audit-findings/{finding_id}/report-action", json=ACTION, headers=headers)


async def close(registration, finding_id: str):
    return await registration.http().post(f"/audit-findings/{finding_id}/close", json={})


async def reopen(registration, finding_id: str, **differences):
    body = {"corrective_action": "Todistukset puuttuvat.", "due_on": "2024-05-02", **differences}
    return await registration.http().post(f"/audit-findings/{finding_id}/reopen", json=body)


async def notices_of(registration) -> list[str]:
    kinds = [event.notice.kind for event in await registration.published(NoticeGiven)]
    return [kind for kind in kinds if kind in set(Reminder)]


async def test_an_officer_records_a_finding_and_the_provider_sees_it(registration):
    """R-REG-11: category, corrective action and due date; the event carries no words."""
    finding_id = await opened_finding(registration)
    [event] = await registration.published(AuditFindingChanged)
    assert (event.key, event.version, event.finding.state) == (finding_id, 1, FindingState.OPEN)
    assert "EA1" not in event.model_dump_json()
    shown = (await registration.http(Role.PROVIDER, OURS).get(f"/audit-findings/{finding_id}")).json()
    assert (shown["category"], shown["severity"], shown["state"]) == ("first_aid_training", "major", "open")
    assert (shown["corrective_action"], shown["due_on"], shown["overdue"]) == (
        "EA1-koulutukset on uusittava.",
        "2024-03-31",
        False,
    )
    [notice] = await registration.published(NoticeGiven)
    assert (notice.notice.kind, notice.notice.provider_id, notice.notice.service) == (
        "audit-finding-opened",
        OURS,
        "CARDIAC_ADULT",
    )
    assert notice.notice.office.name == "Kuopion toimipiste"


async def test_a_finding_is_reported_closed_reopened_and_every_step_stays(registration):
    """R-REG-11: who, when, in which words."""
    finding_id = await opened_finding(registration)
    assert (await report(registration, finding_id)).json()["state"] == "action_reported"
    assert (await close(registration, finding_id)).json()["state"] == "closed"
    answer = await reopen(registration, finding_id)
    assert answer.headers["etag"] == '"4"'
    assert (answer.json()["state"], answer.json()["due_on"]) == ("open", "2024-05-02")
    assert [(step["version"], step["step"], step["role"], step["said"]) for step in answer.json()["steps"]] == [
        (1, "opened", "officer", "EA1-koulutukset on uusittava."),
        (2, "action_reported", "provider", ACTION["action"]),
        (3, "closed", "officer", None),
        (4, "reopened", "officer", "Todistukset puuttuvat."),
    ]
    own = (await registration.http(Role.PROVIDER, OURS).get(f"/audit-findings/{finding_id}")).json()["steps"]
    assert [step["taken_by"] is None for step in own] == [True, False, True, True], "no official is named"
    events = await registration.published(AuditFindingChanged)
    assert [(event.version, event.finding.state) for event in events] == [
        (1, FindingState.OPEN),
        (2, FindingState.ACTION_REPORTED),
        (3, FindingState.CLOSED),
        (4, FindingState.OPEN),
    ]


@pytest.mark.parametrize(
    ("differences", "status", "code"),
    [
        ({"office_id": "nowhere"}, 404, "OFFICE_UNKNOWN"),
        ({"service": "CAREGIVER"}, 409, "SERVICE_NOT_PROVIDED"),
        ({"due_on": "2024-01-14"}, 422, "DUE_DATE_PAST"),
        ({"category": "something_else"}, 422, "VALIDATION"),
        ({"severity": "terrible"}, 422, "VALIDATION"),
        ({"corrective_action": " "}, 422, "TEXT_EMPTY"),
        ({"corrective_action": "x" * 2001}, 422, "TEXT_TOO_LONG"),
        ({"corrective_action": f"Asiakkaan {PERSONAL_IDENTITY_CODE} lausunto"}, 422, "PERSONAL_IDENTITY_CODE"),
        ({"due_on": None}, 422, "VALIDATION"),
        ({"due_on": "9999-12-31"}, 422, "VALIDATION"),
    ],
)
async def test_a_finding_that_cannot_be_is_refused(registration, differences, status, code):
    """R-REG-11: nothing is stored, nothing published, nobody told."""
    await registered_contract(registration)
    office_id = await registered_office(registration)
    body = finding_body(**{"office_id": office_id, **differences})
    answer = await registration.http().post("/audit-findings", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert await registration.published(AuditFindingChanged) == []
    assert await registration.published(NoticeGiven) == []


async def test_steps_out_of_turn_are_refused(registration):
    """R-REG-11: FINDING_NOT_IN_STATE with the state and the allowed ones."""
    finding_id = await opened_finding(registration)
    answers = [await close(registration, finding_id), await reopen(registration, finding_id)]
    await report(registration, finding_id)
    answers.append(await report(registration, finding_id))
    assert [(each.status_code, each.json()["code"]) for each in answers] == [(409, "FINDING_NOT_IN_STATE")] * 3
    assert answers[0].json()["values"] == {"state": "open", "allowed": ["action_reported"]}
    past = await reopen(registration, finding_id, due_on="2024-01-14")
    assert (past.status_code, past.json()["code"]) == (422, "DUE_DATE_PAST")
    assert len(await registration.published(AuditFindingChanged)) == 2


async def test_roles_are_kept_apart(registration):
    """Kela finds and closes, the provider acts; another provider's finding does not exist."""
    finding_id = await opened_finding(registration)
    provider = registration.http(Role.PROVIDER, OURS)
    assert (await provider.post("/audit-findings", json={})).status_code == 403
    assert (await provider.post(f"/audit-findings/{finding_id}/close", json={})).status_code == 403
    assert (await provider.get("/audit-findings/by-category")).status_code == 403
    assert (
        await registration.http().post(f"/audit-findings/{finding_id}/report-action", json=ACTION)
    ).status_code == 403
    stranger = registration.http(Role.PROVIDER, THEIRS)
    assert (await stranger.get("/audit-findings")).json() == {"items": [], "next": None}
    for answer in (
        await stranger.get(f"/audit-findings/{finding_id}"),
        await report(registration, finding_id, THEIRS),
        await registration.http().get("/audit-findings/nowhere"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "FINDING_UNKNOWN")


async def test_a_step_decided_on_an_old_version_is_stale(registration):
    finding_id = await opened_finding(registration)
    answer = await report(registration, finding_id, **{"if-match": '"2"'})
    assert (answer.status_code, answer.json()["values"]) == (412, {"current": 1})


async def test_the_overdue_list_has_what_nobody_reported_in_time(registration):
    """R-REG-11: derived from the Helsinki date; those due first in front."""
    office_id = await registered_office(registration)
    later = await opened_finding(registration, office_id=office_id, due_on="2024-04-30")
    first = await opened_finding(registration, office_id=office_id, due_on="2024-02-29")
    second = await opened_finding(registration, office_id=office_id, due_on="2024-03-31", category="record_keeping")
    reported = await opened_finding(registration, office_id=office_id, due_on="2024-03-01")
    await report(registration, reported)
    officer = registration.http()

    async def overdue() -> list[str]:
        return [each["finding_id"] for each in (await officer.get("/audit-findings?overdue=true")).json()["items"]]

    await registration.clock.set(THE_DAY_AFTER - timedelta(seconds=1))
    assert await overdue() == [first]
    await registration.clock.set(THE_DAY_AFTER)
    assert await overdue() == [first, second]
    everything = (await officer.get("/audit-findings")).json()["items"]
    assert [each["finding_id"] for each in everything] == [first, reported, second, later]
    assert [each["overdue"] for each in everything] == [True, False, True, False]
    page = (await officer.get("/audit-findings", params={"limit": 2, "state": "open"})).json()
    rest = (await officer.get("/audit-findings", params={"limit": 2, "state": "open", "after": page["next"]})).json()
    assert [each["finding_id"] for each in page["items"] + rest["items"]] == [first, second, later]
    assert rest["next"] is None


async def test_findings_are_counted_by_category(registration):
    """R-REG-11, P15: every category, also where nothing was found."""
    office_id = await registered_office(registration)
    for category in ("record_keeping", "record_keeping", "work_experience"):
        finding_id = await opened_finding(registration, office_id=office_id, category=category)
    await report(registration, finding_id)
    await registration.clock.set(THE_DAY_AFTER)
    items = (await registration.http().get("/audit-findings/by-category")).json()["items"]
    assert [each["category"] for each in items] == [category.value for category in Category]
    counted = {each.pop("category"): each for each in items}
    assert counted["record_keeping"] == {"open": 2, "action_reported": 0, "closed": 0, "overdue": 2}
    assert counted["work_experience"] == {"open": 0, "action_reported": 1, "closed": 0, "overdue": 0}
    assert counted["team_participation"] == {"open": 0, "action_reported": 0, "closed": 0, "overdue": 0}


async def test_the_provider_is_reminded_two_weeks_before_and_on_the_day_after(registration):
    """R-REG-11: at midnight in Helsinki, each once."""
    await opened_finding(registration)
    for instant, kinds in (
        (TWO_WEEKS_BEFORE - timedelta(seconds=1), []),
        (TWO_WEEKS_BEFORE, [Reminder.DUE]),
        (THE_DAY_AFTER - timedelta(seconds=1), [Reminder.DUE]),
        (THE_DAY_AFTER, [Reminder.DUE, Reminder.OVERDUE]),
        (THE_DAY_AFTER + timedelta(days=400), [Reminder.DUE, Reminder.OVERDUE]),
    ):
        await registration.clock.set(instant)
        await registration.fire_timers()
        assert (await notices_of(registration))[1:] == kinds
    notices = [event.notice for event in await registration.published(NoticeGiven)]
    assert len({notice.notice_id for notice in notices}) == len(notices)


@pytest.mark.parametrize(
    ("back_after", "kinds"),
    [
        (timedelta(days=-3), [Reminder.DUE]),
        (timedelta(days=3), [Reminder.OVERDUE]),
    ],
    ids=["before the due date", "after it"],
)
async def test_after_an_outage_each_reminder_that_is_still_true_is_said_once(registration, back_after, kinds):
    """R-REG-11: what is no longer the case is not said."""
    await opened_finding(registration)
    await registration.clock.set(THE_DAY_AFTER + back_after)
    await registration.fire_timers()
    await registration.fire_timers()
    assert (await notices_of(registration))[1:] == kinds


async def test_a_reported_finding_reminds_nobody_and_a_reopened_one_does_again(registration):
    """R-REG-11: the reminders follow the due date in force."""
    finding_id = await opened_finding(registration)
    await report(registration, finding_id)
    await registration.clock.set(THE_DAY_AFTER)
    assert await registration.fire_timers() == 0
    await reopen(registration, finding_id)
    await registration.clock.set(datetime(2024, 5, 2, 21, tzinfo=UTC))
    await registration.fire_timers()
    assert await notices_of(registration) == [Reminder.OPENED, Reminder.OPENED, Reminder.OVERDUE]


async def remind_while_reporting(registration, finding_id: str) -> list[str]:
    """The reminder comes due while the provider's report is about to commit; what was said of it."""
    await registration.clock.set(TWO_WEEKS_BEFORE)
    async with registration.transaction() as tx:
        await handlers.report_action(tx, finding_id, "Tehty.", if_match=None)
        await registration.fire_timers()
    await registration.fire_timers()
    return (await notices_of(registration))[1:]


async def test_a_report_that_is_about_to_commit_is_not_overtaken_by_its_reminder(registration):
    """R-REG-11: the step has taken the timers with it."""
    assert await remind_while_reporting(registration, await opened_finding(registration)) == []


async def test_a_step_that_left_its_timers_alone_would_be_overtaken(registration, monkeypatch):
    """Negative control of the test above."""
    finding_id = await opened_finding(registration)

    async def leave(*_: object) -> None:
        return None

    monkeypatch.setattr(Transaction, "cancel", leave)
    assert await remind_while_reporting(registration, finding_id) == [Reminder.DUE]


async def report_both(registration, finding_id: str, monkeypatch, *, locked: bool) -> list[object]:
    """Two reports that have both read the finding before either writes, unless the lock stops the second."""

    async def act() -> object:
        async with registration.transaction() as tx:
            return await handlers.report_action(tx, finding_id, "Tehty.", if_match=None)

    meet(registration, monkeypatch, store, "lock_finding", "get_finding", locking=locked)
    outcomes = await asyncio.gather(act(), act(), return_exceptions=True)
    monkeypatch.undo()
    return list(outcomes)


async def test_a_report_sent_twice_at_once_is_taken_once(registration, monkeypatch):
    """The second reads what the first wrote and is refused."""
    finding_id = await opened_finding(registration)
    outcomes = await report_both(registration, finding_id, monkeypatch, locked=True)
    assert sorted(getattr(outcome, "code", "taken") for outcome in outcomes) == ["FINDING_NOT_IN_STATE", "taken"]
    assert len(await registration.published(AuditFindingChanged)) == 2


async def test_without_the_row_lock_two_reports_collide(registration, monkeypatch):
    """Negative control: the guard off, both believe that the finding is open."""
    finding_id = await opened_finding(registration)
    outcomes = await report_both(registration, finding_id, monkeypatch, locked=False)
    assert any(isinstance(outcome, asyncpg.UniqueViolationError) for outcome in outcomes)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_findings SET category = 'else'",
        "UPDATE audit_findings SET due_on = opened_on - 1",
        "UPDATE audit_findings SET state = 'overdue'",
        "UPDATE audit_finding_steps SET said = NULL",
        "UPDATE audit_finding_steps SET step = 'closed'",
    ],
)
async def test_the_database_refuses_a_finding_that_cannot_be(registration, change):
    """R-REG-11: every rule a constraint can hold, a constraint holds."""
    await opened_finding(registration)
    with pytest.raises(asyncpg.CheckViolationError):
        async with registration.transaction() as tx:
            await tx.execute(change)
