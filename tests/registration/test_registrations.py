"""Registering an office for a service over HTTP: every state, and what a registration brings about."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from chassis.auth import Role
from contracts.registration import ContractRegistered, ContractValidityChanged, RegistrationChanged
from tests.registration.builders import KELA, OURS, THEIRS, announce, registered_contract
from tests.registration.registering import (
    BECAUSE,
    DIET,
    POOL,
    WHY,
    an_office,
    approved,
    content,
    do,
    done,
    drafted,
    shown,
    submitted,
    under_contract,
)

LAST_DAY = {"last_day": "2024-06-30", "reason_code": "provider_asked", "reason_text": "Toiminta päättyy."}
AFTER_LAST_DAY = datetime(2024, 6, 30, 21, tzinfo=UTC)
"""00:00 on 1 July in Helsinki."""


@pytest.fixture
async def registration(registration):
    """What a first start makes up for (the defaults of last November) is done."""
    await registration.fire_timers()
    return registration


async def test_an_office_is_registered_from_draft_to_contract(registration):
    """Section 7, P3: each step by the one who takes it, each published once it has been submitted."""
    provider = registration.http(Role.PROVIDER, OURS)
    one = await drafted(registration, subcontracting=True, subcontractors=[POOL])
    assert (one["state"], one["version"], one["decision_delivery"]) == ("draft", 1, "electronic")
    assert await registration.published(RegistrationChanged) == []
    one = await done(do(registration, one, "submission", by=provider))
    one = await done(do(registration, one, "approval", WHY))
    assert one["decisions"] == [
        {
            "outcome": "approved",
            "reason_code": "conditions_met",
            "reason_text": WHY["reason_text"],
            "decided_at": "2024-01-15T08:00:00Z",
        }
    ]
    one = await done(do(registration, one, "contract", {"valid_from": "2024-02-01"}))
    events = await registration.published(RegistrationChanged)
    states = [event.registration.state for event in events]
    assert states == ["submitted", "approved", "contract_registered"]
    assert [event.version for event in events] == [2, 3, 4]
    [contract] = await registration.published(ContractRegistered)
    assert contract.contract.contract_id == one["contract_id"] == events[-1].registration.contract_id
    assert (contract.contract.provider_id, contract.contract.service) == (OURS, "CARDIAC_ADULT")
    assert (await provider.get(f"/registrations/{one['registration_id']}")).json() == one


async def test_events_name_other_organisations_by_their_business_id_alone(registration):
    """R-REG-4: a sole trader's company often bears the trader's name; parts and reasons are words."""
    await submitted(registration, subcontracting=True, subcontractors=[POOL], consortium=[DIET])
    [event] = await registration.published(RegistrationChanged)
    assert (event.registration.subcontractors, event.registration.consortium) == ((THEIRS,), (KELA,))
    sent = event.model_dump_json()
    assert not any(word in sent for party in (POOL, DIET) for word in (party["name"], party["service_part"]))


@pytest.mark.parametrize(
    ("said", "code", "values"),
    [
        ({"subcontracting": None}, "SUBCONTRACTING_UNDECLARED", {}),
        ({"subcontracting": True}, "SUBCONTRACTORS_MISSING", {}),
        ({"subcontracting": False, "subcontractors": [POOL]}, "SUBCONTRACTORS_UNEXPECTED", {"named": 1}),
        ({"conditions_accepted": False}, "CONDITIONS_NOT_ACCEPTED", {}),
    ],
)
async def test_a_draft_without_an_answer_is_not_submitted(registration, said, code, values):
    """R-REG-3, R-REG-4: a yes or a no, and a list that fits it; the draft stays."""
    one = await drafted(registration, **said)
    answer = await do(registration, one, "submission", by=registration.http(Role.PROVIDER, OURS))
    assert (answer.status_code, answer.json()["code"], answer.json().get("values", {})) == (409, code, values)
    assert (await shown(registration, one))["state"] == "draft"
    assert await registration.published(RegistrationChanged) == []


@pytest.mark.parametrize(
    "change",
    [
        "subcontracting = NULL",
        "subcontracting = true",
        'subcontracting = false, subcontractors = \'[{"business_id": "7654321-2"}]\'',
        "conditions_accepted = false",
        'subcontracting = true, subcontractors = \'[{"business_id": "7654321"}]\'',
        "contract_id = NULL",
        "state = 'draft'",
    ],
)
async def test_the_table_itself_keeps_the_answer_and_the_list_together(registration, change):
    """R-REG-3, R-REG-4: constraints, the second wall."""
    one = await under_contract(registration)
    with pytest.raises(asyncpg.CheckViolationError):
        async with registration.transaction() as tx:
            await tx.execute(f"UPDATE registrations SET {change} WHERE registration_id = $1", one["registration_id"])


async def test_a_draft_is_edited_until_it_is_submitted(registration):
    """R-REG-3: the same content again changes nothing; a stale version is refused with the current one."""
    provider = registration.http(Role.PROVIDER, OURS)
    one = await drafted(registration)
    path = f"/registrations/{one['registration_id']}"
    body = content(subcontracting=True, subcontractors=[{**POOL, "business_id": "76543212"}])
    for _ in range(2):
        answer = await provider.put(path, json=body)
        assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    assert answer.json()["subcontractors"] == [POOL]
    assert answer.json()["subcontracting_instruction"].startswith("https://www.kela.fi/")
    stale = await provider.put(path, json=content(), headers={"if-match": '"1"'})
    assert (stale.status_code, stale.json()["values"]) == (412, {"current": 2})
    await done(do(registration, one, "submission", by=provider))
    late = await provider.put(path, json=content())
    assert (late.status_code, late.json()["code"]) == (409, "REGISTRATION_STATE")
    assert late.json()["values"] == {"state": "submitted", "needed": ["draft"]}


async def test_every_office_is_registered_on_its_own_and_joins_the_contract(registration):
    """P3, E-4: one contract of provider, service and language for both offices."""
    first, second = [await under_contract(registration) for _ in range(2)]
    assert first["office_id"] != second["office_id"]
    assert first["contract_id"] == second["contract_id"]
    assert len(await registration.published(ContractRegistered)) == 1
    swedish = await under_contract(registration, office_id=first["office_id"], language="sv")
    assert swedish["contract_id"] != first["contract_id"]


async def test_an_office_has_one_open_registration_for_a_service_and_language(registration):
    """P3: after a rejection it may try again."""
    one = await submitted(registration)
    body = {"office_id": one["office_id"], "service": "CARDIAC_ADULT", "language": "fi"}
    provider = registration.http(Role.PROVIDER, OURS)
    answer = await provider.post("/registrations", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "REGISTRATION_EXISTS")
    rejected = await done(do(registration, one, "rejection", BECAUSE))
    assert (rejected["state"], rejected["decisions"][0]["reason_code"]) == ("rejected", "information_missing")
    assert (await provider.post("/registrations", json=body)).status_code == 201


async def test_a_contract_that_has_ended_is_not_joined(registration):
    """E-45."""
    await registered_contract(registration, valid_to="2023-12-31")
    one = await approved(registration)
    answer = await do(registration, one, "contract", {"valid_from": "2023-01-01"})
    assert (answer.status_code, answer.json()["code"]) == (409, "CONTRACT_ENDED")
    assert answer.json()["values"] == {"valid_to": "2023-12-31"}
    assert (await shown(registration, one))["state"] == "approved"


async def test_a_registration_ends_after_its_last_day_and_the_contract_with_the_last_of_them(registration):
    """E-45: the contract's last day is known at once, so nothing new begins under it; an outage does no harm."""
    first, second = [await under_contract(registration) for _ in range(2)]
    ending = await done(do(registration, first, "end", LAST_DAY))
    assert (ending["state"], ending["ends_on"]) == ("contract_registered", "2024-06-30")
    assert await registration.published(ContractValidityChanged) == []
    again = await do(registration, first, "end", LAST_DAY)
    assert (again.status_code, again.json()["code"]) == (409, "REGISTRATION_ENDING")
    await done(do(registration, second, "end", {**LAST_DAY, "last_day": "2024-05-31"}))
    [closed] = await registration.published(ContractValidityChanged)
    assert (str(closed.contract.valid_to), closed.version) == ("2024-06-30", 2)
    refused = await announce(registration, first["contract_id"], 2025, 12)
    assert refused.json()["code"] == "CONTRACT_NOT_IN_FORCE"

    await registration.clock.set(AFTER_LAST_DAY - timedelta(seconds=1))
    assert await registration.fire_timers() == 1
    assert [(await shown(registration, one))["state"] for one in (first, second)] == ["contract_registered", "ended"]
    await registration.clock.set(AFTER_LAST_DAY + timedelta(days=3))
    assert await registration.fire_timers() == 1
    assert (await shown(registration, first))["state"] == "ended"
    assert (await registration.published(RegistrationChanged))[-1].registration.state == "ended"
    assert await registration.fire_timers() == 0


async def test_a_late_or_repeated_timer_does_not_end_a_registration_twice(registration):
    """E-45: the timer looks at the date, not at having been fired."""
    one = await under_contract(registration)
    await done(do(registration, one, "end", {**LAST_DAY, "last_day": "2024-01-15"}))
    await registration.clock.advance(timedelta(days=2))
    assert await registration.fire_timers() == 1
    told = len(await registration.published(RegistrationChanged))
    async with registration.transaction() as tx:
        await tx.schedule("end-registration", one["registration_id"], tx.now)
    assert await registration.fire_timers() == 1
    assert len(await registration.published(RegistrationChanged)) == told


async def test_a_last_day_in_the_past_is_refused(registration):
    """E-45."""
    one = await under_contract(registration)
    answer = await do(registration, one, "end", {**LAST_DAY, "last_day": "2024-01-14"})
    assert (answer.status_code, answer.json()["code"]) == (422, "DATE_IN_PAST")
    assert answer.json()["values"] == {"day": "2024-01-14", "today": "2024-01-15"}


async def test_officers_list_registrations_by_state_and_a_provider_its_own(registration):
    """Lists in pages; what is another provider's is not there."""
    ours = [await submitted(registration) for _ in range(3)]
    theirs = await submitted(registration, provider_id=THEIRS)
    await drafted(registration, provider_id=THEIRS)
    officer = registration.http()
    first = (await officer.get("/registrations", params={"state": "submitted", "limit": 2})).json()
    last = (await officer.get("/registrations", params={"state": "submitted", "after": first["next"]})).json()
    seen = [each["registration_id"] for each in first["items"] + last["items"]]
    assert seen == [each["registration_id"] for each in [*ours, theirs]]
    assert last["next"] is None
    assert "subcontracting_instruction" in first["items"][0]
    stranger = registration.http(Role.PROVIDER, THEIRS)
    own = (await stranger.get("/registrations")).json()["items"]
    assert {each["provider_id"] for each in own} == {THEIRS}
    hidden = await stranger.get(f"/registrations/{ours[0]['registration_id']}")
    assert (hidden.status_code, hidden.json()["code"]) == (404, "REGISTRATION_UNKNOWN")
    assert (await do(registration, ours[0], "submission", by=stranger)).status_code == 404


async def test_contracts_without_an_answer_about_subcontracting_are_listed(registration):
    """R-REG-3: some providers have not declared; R-REG-6: the list says where the instruction is."""
    undeclared = await registered_contract(registration)
    await registered_contract(registration, provider_id=THEIRS, valid_to="2023-12-31")
    await under_contract(registration, provider_id=KELA)
    officer = registration.http()

    async def listed() -> list[str]:
        answer = (await officer.get("/undeclared-subcontracting")).json()
        assert answer["subcontracting_instruction"].startswith("https://www.kela.fi/")
        return [each["contract_id"] for each in answer["items"]]

    assert await listed() == [undeclared]
    one = await drafted(registration)
    assert await listed() == [undeclared]
    await done(do(registration, one, "submission", by=registration.http(Role.PROVIDER, OURS)))
    assert await listed() == []


async def test_every_step_leaves_an_audit_row_with_codes_and_ids_only(registration):
    """Who did what; names, parts of the service and reasons in words are not in it."""
    one = await under_contract(registration, subcontracting=True, subcontractors=[POOL])
    await done(do(registration, one, "end", LAST_DAY))
    await registration.clock.set(AFTER_LAST_DAY)
    await registration.fire_timers()
    async with registration.transaction() as tx:
        rows = await tx.fetch(
            "SELECT action, role, detail::text AS detail FROM audit WHERE subject = $1 ORDER BY id",
            f"registration:{one['registration_id']}",
        )
    assert [(row["action"], row["role"]) for row in rows] == [
        ("draft_registration", "provider"),
        ("submit_registration", "provider"),
        ("decide_registration", "officer"),
        ("put_under_contract", "officer"),
        ("end_registration", "officer"),
        ("finish_registration", "system"),
    ]
    told = "".join(row["detail"] for row in rows)
    assert THEIRS in told
    words = (POOL["name"], POOL["service_part"], WHY["reason_text"], LAST_DAY["reason_text"])
    assert not [word for word in words if word in told]


async def test_only_kela_decides(registration):
    """P3: a provider neither approves, rejects, registers the contract nor ends."""
    one = await submitted(registration)
    provider = registration.http(Role.PROVIDER, OURS)
    bodies = {"approval": WHY, "rejection": BECAUSE, "contract": {"valid_from": "2024-01-01"}, "end": LAST_DAY}
    for command, body in bodies.items():
        answer = await do(registration, one, command, body, by=provider)
        assert (answer.status_code, answer.json()["code"]) == (403, "NOT_ALLOWED")


@pytest.mark.parametrize(
    ("differences", "status", "code"),
    [
        ({"office_id": "nowhere"}, 404, "OFFICE_UNKNOWN"),
        ({"service": "NOT_A_SERVICE"}, 404, "SERVICE_UNKNOWN"),
        ({"service": "CAREGIVER", "language": "sv"}, 409, "LANGUAGE_NOT_OFFERED"),
        ({"subcontractors": [{**POOL, "business_id": "7654321-3"}]}, 422, "BUSINESS_ID_CHECK_DIGIT"),
        ({"subcontractors": [POOL, POOL]}, 422, "PARTY_NAMED_TWICE"),
        ({"subcontracting": "yes"}, 422, "VALIDATION"),
        ({"consortium": [{"name": "Oy"}]}, 422, "VALIDATION"),
        ({"language": "en"}, 422, "VALIDATION"),
        ({"subcontractors": [{**POOL, "name": "131052-308T"}]}, 422, "PERSONAL_IDENTITY_CODE"),
    ],
)
async def test_a_draft_that_cannot_be_is_refused(registration, differences, status, code):
    """P3, R-REG-4, E-59: nothing is stored."""
    body = {"office_id": await an_office(registration), "service": "CARDIAC_ADULT", "language": "fi", **differences}
    answer = await registration.http(Role.PROVIDER, OURS).post("/registrations", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await registration.http().get("/registrations")).json()["items"] == []
