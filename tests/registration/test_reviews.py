"""R-REG-7: data are confirmed by their provider, and it is reminded once a period."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.auth import Role
from chassis.calendar import start_of_day
from contracts.registration import NoticeGiven
from services.registration import starting
from services.registration.reviews.planning import REMIND_OF_REVIEW, periods_over, review_by
from tests.registration.builders import OURS, THEIRS, registered_office

DAYS = st.dates(date(2020, 1, 1), date(2032, 12, 31))
REGISTERED = date(2024, 1, 15)


@pytest.fixture
async def registration(registration):
    """What a first start makes up for (the defaults of last November) is done."""
    await registration.fire_timers()
    return registration


async def confirm(registration, office_id: str, provider_id: str = OURS, **headers):
    return await registration.http(Role.PROVIDER, provider_id).post(f"/offices/{office_id}/review", headers=headers)


async def notices_of(registration) -> list[tuple[str, date]]:
    return [(event.notice.notice_id, event.notice.due_on) for event in await registration.published(NoticeGiven)]


@given(DAYS, DAYS)
def test_periods_are_counted_from_the_day_the_data_were_known_to_be_right(since, day):
    """R-REG-7: whole years that have gone by, 29 February included."""
    periods = periods_over(since, day)
    assert review_by(since, periods) <= day < review_by(since, periods + 1)


@pytest.mark.parametrize(
    ("since", "by"),
    [(date(2024, 1, 15), date(2025, 1, 15)), (date(2024, 2, 29), date(2025, 2, 28))],
)
def test_data_are_to_be_confirmed_within_a_year(since, by):
    """R-REG-7: twelve months are this system's own; E-11 for the end of February."""
    assert review_by(since) == by
    assert periods_over(since, by - timedelta(1)) == 0
    assert periods_over(since, by) == 1


async def test_a_provider_confirms_its_data_and_the_day_is_shown(registration):
    """R-REG-7: to the provider and to Kela, with every earlier day."""
    office_id = await registered_office(registration)
    before = (await registration.http().get(f"/offices/{office_id}/review")).json()
    assert (before["reviewed_on"], before["review_by"], before["due"]) == (None, "2025-01-15", False)
    await registration.clock.set(datetime(2024, 5, 2, 8, tzinfo=UTC))
    answer = await confirm(registration, office_id)
    assert (answer.json()["reviewed_on"], answer.json()["review_by"]) == ("2024-05-02", "2025-05-02")
    await registration.clock.set(datetime(2024, 9, 3, 8, tzinfo=UTC))
    await confirm(registration, office_id)
    past = (await registration.http().get(f"/offices/{office_id}/reviews")).json()["items"]
    assert [each["reviewed_on"] for each in past] == ["2024-09-03", "2024-05-02"]


async def test_confirming_twice_on_a_day_is_once(registration):
    """E-23: a double submit."""
    office_id = await registered_office(registration)
    for _ in range(2):
        assert (await confirm(registration, office_id)).status_code == 200
    async with registration.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM data_reviews") == 1
        rows = await tx.fetch("SELECT detail FROM audit WHERE action = 'confirm_data' ORDER BY id")
    assert [row["detail"] for row in rows] == [{"version": 1}, {"unchanged": True}]


async def test_what_is_confirmed_is_what_was_looked_through(registration):
    """If-Match takes the office's version."""
    office_id = await registered_office(registration)
    stale = await confirm(registration, office_id, **{"if-match": '"2"'})
    assert (stale.status_code, stale.json()["values"]) == (412, {"current": 1})
    assert (await confirm(registration, office_id, **{"if-match": '"1"'})).status_code == 200


async def test_only_the_provider_itself_confirms(registration):
    office_id = await registered_office(registration)
    assert (await registration.http().post(f"/offices/{office_id}/review")).status_code == 403
    for answer in (
        await confirm(registration, office_id, THEIRS),
        await registration.http(Role.PROVIDER, THEIRS).get(f"/offices/{office_id}/review"),
        await registration.http(Role.PROVIDER, THEIRS).get(f"/offices/{office_id}/reviews"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "OFFICE_UNKNOWN")


async def test_the_reminder_comes_once_a_period(registration):
    """R-REG-7: on the day, at midnight in Helsinki, and not again before the next year has gone by."""
    office_id = await registered_office(registration)
    told = []
    for year in (2025, 2026, 2027):
        due = date(year, 1, 15)
        await registration.clock.set(start_of_day(due) - timedelta(seconds=1))
        await registration.fire_timers()
        assert await notices_of(registration) == told
        told.append((f"data-review-due/{office_id}/{due}", due))
        for days in (0, 1, 100):
            await registration.clock.set(start_of_day(due) + timedelta(days=days))
            await registration.fire_timers()
            assert await notices_of(registration) == told


async def test_a_confirmation_begins_a_new_period(registration):
    """R-REG-7: nobody is reminded of what was done."""
    office_id = await registered_office(registration)
    await registration.clock.set(datetime(2024, 12, 1, 8, tzinfo=UTC))
    await confirm(registration, office_id)
    await registration.clock.set(datetime(2025, 11, 30, 21, 59, tzinfo=UTC))
    await registration.fire_timers()
    assert await notices_of(registration) == []
    await registration.clock.set(datetime(2025, 11, 30, 22, tzinfo=UTC))
    await registration.fire_timers()
    assert [due_on for _, due_on in await notices_of(registration)] == [date(2025, 12, 1)]


async def test_after_a_long_outage_the_reminder_comes_once(registration):
    """R-REG-7: for the period that ended last; the next one is on its own day."""
    await registered_office(registration)
    await registration.clock.set(datetime(2028, 3, 1, 8, tzinfo=UTC))
    await registration.fire_timers()
    await registration.fire_timers()
    assert [due_on for _, due_on in await notices_of(registration)] == [date(2028, 1, 15)]
    await registration.clock.set(start_of_day(date(2029, 1, 15)))
    await registration.fire_timers()
    assert [due_on for _, due_on in await notices_of(registration)] == [date(2028, 1, 15), date(2029, 1, 15)]


async def test_a_closed_office_is_not_reminded_of(registration):
    office_id = await registered_office(registration)
    async with registration.transaction() as tx:
        await tx.execute("UPDATE offices SET open = false WHERE office_id = $1", office_id)
    await registration.clock.set(datetime(2025, 1, 15, 8, tzinfo=UTC))
    assert await registration.fire_timers()
    assert await notices_of(registration) == []


async def test_offices_of_before_get_their_reminder_when_the_service_starts(registration):
    """R-REG-7: and a reminder that is planned already stays as it is."""
    office_id = await registered_office(registration)
    other = await registered_office(registration)
    await registration.clock.set(datetime(2024, 5, 2, 8, tzinfo=UTC))
    await confirm(registration, other)
    async with registration.transaction() as tx:
        await tx.execute("DELETE FROM timers WHERE key = $1", office_id)
    for _ in range(2):
        await registration.db.run(starting.prepare)
    async with registration.transaction() as tx:
        rows = await tx.fetch("SELECT key, due_at FROM timers WHERE kind = $1", REMIND_OF_REVIEW)
    assert {row["key"]: row["due_at"] for row in rows} == {
        office_id: start_of_day(date(2025, 1, 15)),
        other: start_of_day(date(2025, 5, 2)),
    }


async def test_kela_lists_what_is_to_be_confirmed_again(registration):
    """R-REG-7: a provider sees its own only."""
    first = await registered_office(registration)
    theirs = await registered_office(registration, THEIRS)
    confirmed = await registered_office(registration)
    await registration.clock.set(datetime(2024, 5, 2, 8, tzinfo=UTC))
    await confirm(registration, confirmed)
    await registration.clock.set(start_of_day(date(2025, 1, 15)))

    async def listed(client, **query) -> list[str]:
        return [each["office_id"] for each in (await client.get("/data-reviews", params=query)).json()["items"]]

    officer = registration.http()
    assert sorted(await listed(officer, due="true")) == sorted([first, theirs])
    assert sorted(await listed(officer, due="true", provider_id=OURS)) == [first]
    assert sorted(await listed(registration.http(Role.PROVIDER, OURS))) == sorted([first, confirmed])
    page = (await officer.get("/data-reviews", params={"limit": 2})).json()
    rest = (await officer.get("/data-reviews", params={"limit": 2, "after": page["next"]})).json()
    assert {each["office_id"] for each in page["items"] + rest["items"]} == {first, theirs, confirmed}
    await registration.clock.set(start_of_day(date(2025, 1, 15)) - timedelta(seconds=1))
    assert await listed(officer, due="true") == []
