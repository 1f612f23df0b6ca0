"""Changes that need Kela's approval over HTTP: not in force before, applied once, on their own day."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from chassis.auth import Role
from contracts.registration import ChangeRequestDecided, OfficeChanged, RegistrationChanged
from tests.registration.builders import KELA, OURS, THEIRS, registered_provider
from tests.registration.registering import (
    BECAUSE,
    DIET,
    POOL,
    WHY,
    an_office,
    ask,
    asked,
    do,
    done,
    drafted,
    end_request,
    names,
    shown,
    submitted,
    under_contract,
)

NEW_ADDRESS = {"municipality_code": "297", "street_address": "Tulliportinkatu 2"}


@pytest.fixture
async def registration(registration):
    """What a first start makes up for (the defaults of last November) is done."""
    await registration.fire_timers()
    return registration


async def add_pool(registration, one, **differences) -> dict:
    return await asked(
        registration,
        "subcontractor_added",
        registration_id=one["registration_id"],
        subcontractor=POOL,
        **differences,
    )


async def test_a_subcontractor_begins_when_kela_approves_and_not_before(registration):
    """R-REG-5, E-68: the old composition is in force while the request is open."""
    one = await under_contract(registration)
    request = await add_pool(registration, one, explanation="Allas remontoidaan,\nsiksi uusi kumppani.")
    assert (request["state"], request["in_force"], request["outcome"]) == ("submitted", False, None)
    assert (await shown(registration, one))["subcontractors"] == []
    told = len(await registration.published(RegistrationChanged))

    decided = await done(end_request(registration, request, "approval", WHY))
    assert (decided["state"], decided["in_force"]) == ("approved", True)
    assert decided["outcome"]["reason_text"] == WHY["reason_text"]
    after = await shown(registration, one)
    assert (after["subcontracting"], names(after["subcontractors"])) == (True, [POOL["name"]])
    [event] = (await registration.published(RegistrationChanged))[told:]
    assert (event.registration.subcontractors, event.version) == ((THEIRS,), after["version"])
    [news] = await registration.published(ChangeRequestDecided)
    assert (news.request.kind, news.request.state) == ("subcontractor_added", "approved")
    assert "Allas" not in news.model_dump_json()


async def test_the_last_subcontractor_leaving_makes_the_answer_a_no(registration):
    """R-REG-3, R-REG-5."""
    one = await under_contract(registration, subcontracting=True, subcontractors=[POOL])
    request = await asked(
        registration, "subcontractor_removed", registration_id=one["registration_id"], business_id="76543212"
    )
    await done(end_request(registration, request, "approval", WHY))
    after = await shown(registration, one)
    assert (after["subcontracting"], after["subcontractors"]) == (False, [])


async def test_a_rejected_or_withdrawn_change_leaves_everything_as_it_was(registration):
    """E-68, R-REG-5: with the reason; a withdrawal is nobody else's news."""
    one = await under_contract(registration)
    rejected = await done(end_request(registration, await add_pool(registration, one), "rejection", BECAUSE))
    assert (rejected["state"], rejected["outcome"]["reason_code"]) == ("rejected", "information_missing")
    provider = registration.http(Role.PROVIDER, OURS)
    request = await add_pool(registration, one)
    withdrawn = await done(end_request(registration, request, "withdrawal", by=provider))
    assert (withdrawn["state"], withdrawn["outcome"]["reason_code"]) == ("withdrawn", None)
    assert (await shown(registration, one))["subcontractors"] == []
    assert [event.request.state for event in await registration.published(ChangeRequestDecided)] == ["rejected"]
    late = await end_request(registration, request, "approval", WHY)
    assert (late.status_code, late.json()["code"], late.json()["values"]) == (
        409,
        "CHANGE_NOT_OPEN",
        {"state": "withdrawn"},
    )


async def test_a_change_of_a_later_day_is_applied_at_its_first_instant(registration):
    """E-68: 00:00 in Helsinki, 22:00 UTC the day before; a second before nothing has changed."""
    one = await under_contract(registration)
    request = await add_pool(registration, one, effective_from="2024-03-01")
    decided = await done(end_request(registration, request, "approval", WHY))
    assert (decided["state"], decided["in_force"]) == ("approved", False)
    midnight = datetime(2024, 2, 29, 22, tzinfo=UTC)
    await registration.clock.set(midnight - timedelta(seconds=1))
    assert await registration.fire_timers() == 0
    assert (await shown(registration, one))["subcontractors"] == []
    await registration.clock.set(midnight)
    assert await registration.fire_timers() == 1
    assert names((await shown(registration, one))["subcontractors"]) == [POOL["name"]]
    again = await registration.http().get(f"/change-requests/{request['request_id']}")
    assert again.json()["in_force"] is True


async def test_after_an_outage_a_change_is_applied_once_and_a_repeated_timer_does_nothing(registration):
    """E-68: three days late; the timer looks at the request, not at having been fired."""
    one = await under_contract(registration)
    request = await add_pool(registration, one, effective_from="2024-03-01")
    await done(end_request(registration, request, "approval", WHY))
    await registration.clock.set(datetime(2024, 3, 4, 8, tzinfo=UTC))
    assert await registration.fire_timers() == 1
    version = (await shown(registration, one))["version"]
    async with registration.transaction() as tx:
        await tx.schedule("apply-change", request["request_id"], tx.now)
    assert await registration.fire_timers() == 1
    assert (await shown(registration, one))["version"] == version


async def test_kela_approving_late_puts_a_change_in_force_at_once(registration):
    """E-68: its day has passed while it was open; it is in force from the approval."""
    one = await under_contract(registration)
    request = await add_pool(registration, one, effective_from="2024-01-20")
    await registration.clock.set(datetime(2024, 2, 5, 8, tzinfo=UTC))
    assert await registration.fire_timers() == 0
    assert (await done(end_request(registration, request, "approval", WHY)))["in_force"] is True
    assert names((await shown(registration, one))["subcontractors"]) == [POOL["name"]]


async def test_a_change_whose_registration_ended_meanwhile_changes_nothing(registration):
    """E-45, R-REG-5."""
    one = await under_contract(registration)
    request = await add_pool(registration, one, effective_from="2024-03-01")
    await done(end_request(registration, request, "approval", WHY))
    end = {"last_day": "2024-01-31", "reason_code": "service_ends", "reason_text": "Palvelu päättyy."}
    await done(do(registration, one, "end", end))
    await registration.clock.set(datetime(2024, 3, 2, 8, tzinfo=UTC))
    assert await registration.fire_timers() == 2
    after = await shown(registration, one)
    assert (after["state"], after["subcontractors"]) == ("ended", [])
    lapsed = (await registration.http().get(f"/change-requests/{request['request_id']}")).json()
    assert (lapsed["state"], lapsed["in_force"]) == ("approved", False)


async def test_nothing_is_approved_for_a_registration_that_has_ended(registration):
    """E-45, R-REG-5: what is still open can be rejected."""
    one = await under_contract(registration)
    request = await add_pool(registration, one)
    end = {"last_day": "2024-01-31", "reason_code": "service_ends", "reason_text": "Palvelu päättyy."}
    await done(do(registration, one, "end", end))
    await registration.clock.set(datetime(2024, 2, 1, 8, tzinfo=UTC))
    await registration.fire_timers()
    answer = await end_request(registration, request, "approval", WHY)
    assert (answer.status_code, answer.json()["code"]) == (409, "REGISTRATION_STATE")
    assert answer.json()["values"]["state"] == "ended"
    assert (await done(end_request(registration, request, "rejection", BECAUSE)))["state"] == "rejected"


async def test_two_requests_about_one_subcontractor_are_not_open_at_once(registration):
    """R-REG-5: also not while an approved one waits for its day; another subcontractor is another thing."""
    one = await under_contract(registration)
    facts = {"registration_id": one["registration_id"]}
    request = await add_pool(registration, one, effective_from="2024-03-01")
    answer = await ask(registration, "subcontractor_added", subcontractor=POOL, **facts)
    assert (answer.status_code, answer.json()["code"]) == (409, "CHANGE_PENDING")
    assert answer.json()["values"] == {"kind": "subcontractor_added"}
    await asked(registration, "subcontractor_added", subcontractor=DIET, **facts)
    await done(end_request(registration, request, "approval", WHY))
    answer = await ask(registration, "subcontractor_added", subcontractor=POOL, **facts)
    assert answer.json()["code"] == "CHANGE_PENDING"
    await registration.clock.set(datetime(2024, 3, 1, 8, tzinfo=UTC))
    await registration.fire_timers()
    facts["effective_from"] = "2024-03-02"
    await asked(registration, "subcontractor_removed", business_id=THEIRS, **facts)


async def test_the_table_itself_refuses_two_contradicting_requests(registration):
    """R-REG-5: a unique index over what is open or still to take effect."""
    one = await under_contract(registration)
    for party in (POOL, DIET):
        await asked(registration, "subcontractor_added", registration_id=one["registration_id"], subcontractor=party)
    with pytest.raises(asyncpg.UniqueViolationError):
        async with registration.transaction() as tx:
            await tx.execute("UPDATE change_requests SET contradicts = 'one thing'")


async def test_the_consortium_is_replaced_as_a_whole(registration):
    """P2."""
    one = await under_contract(registration, consortium=[POOL])
    request = await asked(registration, "consortium_changed", registration_id=one["registration_id"], members=[DIET])
    await done(end_request(registration, request, "approval", WHY))
    assert names((await shown(registration, one))["consortium"]) == [DIET["name"]]


async def test_an_office_moves_its_visiting_address_by_request_only(registration):
    """P2: published with the approval; the postal address stays."""
    office_id = await an_office(registration)
    request = await asked(registration, "visiting_address_changed", office_id=office_id, **NEW_ADDRESS)
    assert await registration.published(OfficeChanged) == []
    await done(end_request(registration, request, "approval", WHY))
    [event] = await registration.published(OfficeChanged)
    assert (event.version, event.office.street_address) == (2, "Tulliportinkatu 2")
    office = (await registration.http().get(f"/offices/{office_id}")).json()
    assert (office["street_address"], office["postal_address"]) == ("Tulliportinkatu 2", "PL 1, 70101 Kuopio")


@pytest.mark.parametrize("kind", ["premises_changed", "staff_changed"])
async def test_what_this_system_keeps_no_data_of_is_a_request_with_an_explanation(registration, kind):
    """P2: several may be open at the same time."""
    office_id = await an_office(registration)
    more = {"premises": "renovated"} if kind == "premises_changed" else {}
    missing = await ask(registration, kind, office_id=office_id, **more)
    assert (missing.status_code, missing.json()["code"]) == (422, "VALIDATION")
    for _ in range(2):
        request = await asked(registration, kind, office_id=office_id, explanation="Remontti keväällä.", **more)
    decided = await done(end_request(registration, request, "approval", WHY))
    assert (decided["in_force"], decided["detail"]) == (True, more)


async def test_a_new_company_form_is_announced_three_months_before(registration):
    """P2: 15 January + 3 months = 15 April."""
    await registered_provider(registration)
    facts = {"provider_id": OURS, "explanation": "Yhtiö muuttuu osakeyhtiöksi."}

    async def announce(day: str):
        body = {"kind": "company_form_changed", "effective_from": day, **facts}
        return await registration.http(Role.PROVIDER, OURS).post("/change-requests", json=body)

    late = await announce("2024-04-14")
    assert (late.status_code, late.json()["code"]) == (409, "ANNOUNCED_TOO_LATE")
    assert late.json()["values"] == {"effective_from": "2024-04-14", "earliest": "2024-04-15"}
    assert (await announce("2024-04-15")).status_code == 201
    assert (await announce("2024-05-01")).json()["code"] == "CHANGE_PENDING"
    merger = {"kind": "merger_or_sale", "effective_from": "2024-01-16", **facts}
    assert (await registration.http(Role.PROVIDER, OURS).post("/change-requests", json=merger)).status_code == 201


async def test_a_draft_is_edited_and_not_changed_by_a_request(registration):
    """R-REG-5: requests are for what Kela has approved."""
    for one in (await drafted(registration), await submitted(registration)):
        answer = await ask(
            registration, "subcontractor_added", registration_id=one["registration_id"], subcontractor=POOL
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "REGISTRATION_STATE")


@pytest.mark.parametrize(
    ("kind", "body", "status", "code"),
    [
        ("subcontractor_removed", {"business_id": THEIRS}, 409, "SUBCONTRACTOR_UNKNOWN"),
        ("subcontractor_added", {"subcontractor": {**POOL, "business_id": OURS}}, 422, "PARTY_NAMED_TWICE"),
        ("subcontractor_added", {"subcontractor": {**POOL, "business_id": "1-1"}}, 422, "BUSINESS_ID_INVALID"),
        ("subcontractor_added", {"subcontractor": POOL, "effective_from": "2024-01-14"}, 422, "DATE_IN_PAST"),
        ("subcontractor_added", {"subcontractor": POOL, "registration_id": "nowhere"}, 404, "REGISTRATION_UNKNOWN"),
        ("subcontractor_added", {"subcontractor": DIET}, 409, "SUBCONTRACTOR_KNOWN"),
        ("subcontractor_added", {}, 422, "VALIDATION"),
        ("something_else", {}, 422, "VALIDATION"),
    ],
)
async def test_a_request_that_makes_no_sense_is_refused(registration, kind, body, status, code):
    """R-REG-5: nothing is stored."""
    one = await under_contract(registration, subcontracting=True, subcontractors=[DIET])
    answer = await ask(registration, kind, **{"registration_id": one["registration_id"], **body})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await registration.http().get("/change-requests")).json()["items"] == []


async def test_an_address_in_a_dissolved_municipality_is_refused(registration):
    """E-48."""
    office_id = await an_office(registration)
    body = {**NEW_ADDRESS, "office_id": office_id, "municipality_code": "588"}
    answer = await ask(registration, "visiting_address_changed", **body)
    assert (answer.status_code, answer.json()["values"]["merged_into"]) == (422, "507")


async def test_open_requests_are_listed_for_officers_and_a_provider_sees_its_own(registration):
    """Lists in pages, by state and kind."""
    one = await under_contract(registration)
    theirs = await under_contract(registration, provider_id=KELA)
    await asked(
        registration,
        "subcontractor_added",
        provider_id=KELA,
        registration_id=theirs["registration_id"],
        subcontractor=POOL,
    )
    await add_pool(registration, one)
    office = {"office_id": one["office_id"], "explanation": "Uusi lääkäri."}
    closed = await asked(registration, "staff_changed", **office)
    await done(end_request(registration, closed, "rejection", BECAUSE))
    officer, params = registration.http(), {"state": "submitted", "limit": 1}
    first = (await officer.get("/change-requests", params=params)).json()
    last = (await officer.get("/change-requests", params={**params, "after": first["next"]})).json()
    assert [each["provider_id"] for each in first["items"] + last["items"]] == [KELA, OURS]
    assert last["next"] is None
    staff = (await officer.get("/change-requests", params={"kind": "staff_changed"})).json()["items"]
    assert [each["state"] for each in staff] == ["rejected"]
    provider = registration.http(Role.PROVIDER, OURS)
    assert len((await provider.get("/change-requests")).json()["items"]) == 2
    stranger = registration.http(Role.PROVIDER, KELA)
    for answer in (
        await stranger.get(f"/change-requests/{closed['request_id']}"),
        await end_request(registration, closed, "withdrawal", by=stranger),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "CHANGE_UNKNOWN")


async def test_only_kela_decides_and_only_the_provider_withdraws(registration):
    """R-REG-5."""
    request = await add_pool(registration, await under_contract(registration))
    provider = registration.http(Role.PROVIDER, OURS)
    for command, body, by in (
        ("approval", WHY, provider),
        ("rejection", BECAUSE, provider),
        ("withdrawal", None, None),
    ):
        answer = await end_request(registration, request, command, body, by=by)
        assert (answer.status_code, answer.json()["code"]) == (403, "NOT_ALLOWED")
    stale = await end_request(registration, request, "approval", WHY, **{"if-match": '"2"'})
    assert (stale.status_code, stale.json()["values"]) == (412, {"current": 1})


async def test_every_decision_leaves_an_audit_row_without_its_words(registration):
    """Who decided what and for which reason; the words stay where the provider reads them."""
    request = await add_pool(registration, await under_contract(registration))
    await done(end_request(registration, request, "rejection", BECAUSE))
    async with registration.transaction() as tx:
        rows = await tx.fetch("SELECT role, detail FROM audit WHERE action = 'end_change_request'")
    assert [tuple(row) for row in rows] == [("officer", {"outcome": "rejected", "reason": "information_missing"})]
