"""Settlements end to end: taken or refused as a whole, decided by Kela, paid once."""

from datetime import date

import pytest

from chassis.auth import Principal, Role
from contracts.decisions import PeriodPaid
from contracts.registration import ContractValidityChanged
from contracts.values import PinState
from tests.decisions.builders import (
    CONTRACT,
    COURSE,
    HEART,
    OFFICE,
    OTHER_CONTRACT,
    OTHER_PROVIDER,
    PROVIDER,
    RARE,
    a_contract,
    a_description,
    course_confirmed,
    described,
    expect,
    pinned,
    refusal,
    registered,
    unpinned,
)
from tests.decisions.settling import (
    BILLER,
    KELA,
    a_line,
    a_settlement,
    accept,
    accepted,
    attend,
    faults,
    reject,
    submit,
    submitted,
)


async def test_a_settlement_is_submitted_accepted_and_paid(decisions, clients):
    """R-BIL-1, R-BIL-2, R-BIL-4, R-BIL-9, E-60: one contract, one service, by decision identifier and price annex."""
    settlement = await submitted(decisions, a_line(clients[0]), a_line(clients[1]), a_line(clients[0], 2))
    assert (settlement["state"], settlement["version"], settlement["total"]) == ("submitted", 1, "1500.00")
    assert not await decisions.service.published(PeriodPaid)
    line = settlement["lines"][0]
    assert (line["unit"], line["quantity"], line["unit_price"], line["amount"]) == ("day", 5, "100.00", "500.00")

    paid = await accept(decisions, settlement)
    assert (paid["state"], paid["decided_on"], paid["version"]) == ("accepted", "2024-04-19", 2)
    said = await decisions.service.published(PeriodPaid)
    assert [(e.decision_ref, e.period_number, e.last) for e in said] == [
        (clients[0], 1, False),
        (clients[1], 1, False),
        (clients[0], 2, False),
    ]
    first = said[0]
    assert (first.contract_id, first.provider_id, first.service) == (CONTRACT, PROVIDER, RARE)
    assert (first.office_id, first.course_id, str(first.paid_on)) == (OFFICE, COURSE, "2024-04-19")
    here = f"/settlements/{settlement['settlement_id']}"
    assert expect(200, await decisions.provider.get(here)) == paid


async def test_lines_of_two_contracts_are_refused_as_a_whole(decisions, clients):
    """R-BIL-3, E-60, acceptance example 13: every line of another contract or service is listed, nothing is kept."""
    await decisions.know(
        described(a_description(service=HEART)),
        registered({2024: 10}, contract_id=OTHER_CONTRACT, language="sv"),
        registered({2024: 10}, contract_id="contract-3", service=HEART),
    )
    swedish = (await decisions.grant(contract_id=OTHER_CONTRACT))["decision_ref"]
    heart = (await decisions.grant(contract_id="contract-3"))["decision_ref"]
    lines = [
        a_line(clients[0]),
        a_line(swedish),
        a_line(heart),
        a_line(clients[1], contract_id=OTHER_CONTRACT),
        a_line(clients[2], service=HEART),
    ]
    answer = await submit(decisions, *lines)
    assert faults(answer) == [
        (2, "FOREIGN_CONTRACT"),
        (3, "FOREIGN_SERVICE"),
        (4, "FOREIGN_CONTRACT"),
        (5, "FOREIGN_SERVICE"),
    ]
    assert expect(200, await decisions.provider.get("/settlements"))["items"] == []
    await submitted(decisions, *(a_line(ref) for ref in clients))


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
async def test_every_wrong_line_is_listed_with_its_code_and_a_text(decisions, clients, language):
    """R-BIL-1, E-60: repeated, unfinished, never attended, unknown, at another price, or more than two decimals."""
    absent, unpinned_client = [(await decisions.grant())["decision_ref"] for _ in range(2)]
    await decisions.know(pinned(absent))
    lines = [
        a_line(clients[0]),
        a_line(clients[0]),
        a_line(clients[0], 3),
        a_line(absent),
        a_line(unpinned_client),
        a_line("000000000000X"),
        a_line("000000000000"),
        a_line(clients[1], 4),
        a_line(clients[1], 1, "500.001"),
        a_line(clients[2], 1, "400.00"),
        a_line(clients[2], 1, "1.005"),
    ]
    answer = await decisions.provider.post(
        "/settlements", json=a_settlement(*lines), headers={"accept-language": language}
    )
    assert faults(answer) == [
        (2, "REPEATED"),
        (3, "PERIOD_NOT_ENDED"),
        (4, "NOT_ATTENDED"),
        (5, "NOT_PINNED"),
        (6, "DECISION_REF_CHECK_CHARACTER"),
        (7, "DECISION_REF_INVALID"),
        (8, "PERIOD_UNKNOWN"),
        (9, "AMOUNT_INVALID"),
        (10, "PRICE_DIFFERS"),
        (11, "AMOUNT_INVALID"),
        (11, "REPEATED"),
    ]
    for fault in answer.json()["values"]["faults"]:
        assert not fault["text"].startswith("fault-")
    assert expect(200, await decisions.officer.get("/settlements"))["items"] == []


async def test_an_unknown_decision_is_refused(decisions, clients):
    """E-60: also where it is another provider's, which is not told."""
    await decisions.know(registered({2024: 10}, contract_id=OTHER_CONTRACT, provider_id=OTHER_PROVIDER, language="sv"))
    theirs = (await decisions.grant(contract_id=OTHER_CONTRACT))["decision_ref"]
    assert faults(await submit(decisions, a_line(theirs))) == [(1, "DECISION_UNKNOWN")]


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"receiver": {"business_id": BILLER, "name": "Kela"}}, "RECEIVER_NOT_KELA"),
        ({"receiver": {"business_id": KELA, "name": "Kelo"}}, "RECEIVER_NOT_KELA"),
        ({"provider_id": OTHER_PROVIDER}, "PROVIDER_DIFFERS"),
        ({"service": HEART}, "SERVICE_NOT_OF_CONTRACT"),
        ({"total": "499.99"}, "TOTAL_DIFFERS"),
        ({"total": "500.001"}, "TOTAL_DIFFERS"),
        ({"invoiced_on": "2024-04-20"}, "INVOICED_IN_FUTURE"),
    ],
)
async def test_what_is_wrong_with_the_invoice_itself_is_listed_too(decisions, clients, wrong, fault):
    """R-BIL-1, P11."""
    assert (None, fault) in faults(await submit(decisions, a_line(clients[0]), **wrong))


async def test_the_contract_is_in_force_on_the_service_date(decisions, clients):
    """E-60: the first day of the period decides, and the last day of the contract still counts."""
    for version, last_day, found in (
        (2, date(2024, 2, 18), [(1, "CONTRACT_NOT_IN_FORCE"), (2, "CONTRACT_NOT_IN_FORCE")]),
        (3, date(2024, 2, 19), [(2, "CONTRACT_NOT_IN_FORCE")]),
    ):
        ended = a_contract({2024: 100, 2025: 100}, valid_to=last_day)
        await decisions.know(ContractValidityChanged(version=version, contract=ended))
        assert faults(await submit(decisions, a_line(clients[0]), a_line(clients[0], 2))) == found
    await submitted(decisions, a_line(clients[0]))


async def test_kela_rejects_with_reasons_and_the_periods_may_be_billed_again(decisions, clients):
    """R-BIL-1: the provider reads why; the same invoice number may come again, corrected."""
    settlement = await submitted(decisions, a_line(clients[0]))
    assert refusal(await reject(decisions, settlement), 422)[0] == "VALIDATION"
    rejected = expect(200, await reject(decisions, settlement, "Liite puuttuu.", "Väärä viite."))
    assert (rejected["state"], rejected["reasons"]) == ("rejected", ["Liite puuttuu.", "Väärä viite."])
    assert not rejected["lines"][0]["standing"]
    seen = expect(200, await decisions.provider.get(f"/settlements/{settlement['settlement_id']}"))
    assert seen["reasons"] == rejected["reasons"]
    await accepted(decisions, a_line(clients[0]), invoice_number=settlement["invoice_number"])
    assert len(await decisions.service.published(PeriodPaid)) == 1


async def test_a_settlement_is_decided_once_and_on_what_was_seen(decisions, clients):
    """R-BIL-1."""
    settlement = await submitted(decisions, a_line(clients[0]))
    here = f"/settlements/{settlement['settlement_id']}"
    stale = await decisions.officer.post(f"{here}/acceptance", headers={"if-match": '"7"'})
    assert refusal(stale, 412) == ("STALE_VERSION", {"current": 1})
    await accept(decisions, settlement)
    assert refusal(await reject(decisions, settlement, "Myöhässä.")) == ("SETTLEMENT_DECIDED", {"state": "accepted"})
    assert refusal(await decisions.officer.post(f"{here}/acceptance"))[0] == "SETTLEMENT_DECIDED"
    assert refusal(await decisions.officer.post("/settlements/nowhere/acceptance"), 404)[0] == "SETTLEMENT_UNKNOWN"


async def test_a_period_is_billed_once(decisions, clients):
    """E-60: not while another settlement waits, and not when it was accepted."""
    settlement = await submitted(decisions, a_line(clients[0]))
    again = [a_line(clients[1]), a_line(clients[0])]
    assert faults(await submit(decisions, *again)) == [(2, "ALREADY_BILLED")]
    await accept(decisions, settlement)
    assert faults(await submit(decisions, *again)) == [(2, "ALREADY_BILLED")]


async def test_what_kela_paid_without_a_settlement_is_not_billed(decisions, clients):
    """E-29, E-60: neither before the settlement comes nor while it waits."""
    body = {"course_id": COURSE, "period_number": 1, "decision_refs": clients[:1]}
    waiting = await submitted(decisions, a_line(clients[0]), a_line(clients[1]))
    expect(201, await decisions.system.post("/payments", json=body))
    answer = await decisions.officer.post(f"/settlements/{waiting['settlement_id']}/acceptance")
    assert faults(answer) == [(1, "ALREADY_PAID")]
    expect(200, await reject(decisions, waiting, "Maksettu jo."))
    assert faults(await submit(decisions, a_line(clients[0]))) == [(1, "ALREADY_PAID")]
    assert [event.decision_ref for event in await decisions.service.published(PeriodPaid)] == clients[:1]


async def test_what_changed_meanwhile_is_looked_at_when_kela_accepts(decisions, clients):
    """E-60: a client who turns out not to have attended is not paid for."""
    waiting = await submitted(decisions, a_line(clients[0]))
    await decisions.know(pinned(clients[0], 2, attended=(2,)))
    answer = await decisions.officer.post(f"/settlements/{waiting['settlement_id']}/acceptance")
    assert faults(answer) == [(1, "NOT_ATTENDED")]


async def test_attended_periods_stay_billable_when_the_client_leaves(decisions, clients):
    """E-20, E-21: interrupted, or revoked after the course had begun; the last attended one is not the last planned."""
    await decisions.revoke({"decision_ref": clients[0]}, "2024-04-19")
    await decisions.know(
        unpinned(clients[0], occupies_place=True, attended=(1,)),
        unpinned(clients[1], state=PinState.INTERRUPTED, occupies_place=True, attended=(1, 2)),
    )
    await accepted(decisions, a_line(clients[0]), a_line(clients[1], 2))
    assert not any(event.last for event in await decisions.service.published(PeriodPaid))
    assert faults(await submit(decisions, a_line(clients[0], 2))) == [(1, "NOT_ATTENDED")]


async def test_a_moved_client_is_billed_where_each_period_was_attended(decisions, clients):
    """E-20, E-29: the course and the office of the period; last is the last one planned of the whole path."""
    moved = clients[0]
    await decisions.know(
        unpinned(moved, 2, state=PinState.MOVED, occupies_place=True, attended=(1,), moved_to="course-2"),
        course_confirmed(course_id="course-2"),
        pinned(moved, 3, course_id="course-2", office_id="office-2", planned=(2,), attended=(2,)),
    )
    await accepted(decisions, a_line(moved), a_line(moved, 2))
    said = await decisions.service.published(PeriodPaid)
    assert [(e.period_number, e.course_id, e.office_id, e.last) for e in said] == [
        (1, COURSE, OFFICE, False),
        (2, "course-2", "office-2", True),
    ]


async def test_a_course_that_has_not_arrived_is_waited_for(decisions, clients):
    """E-67: a pin may come before its course."""
    ref = (await decisions.grant())["decision_ref"]
    await decisions.know(pinned(ref, course_id="course-9", attended=(1,)))
    assert refusal(await submit(decisions, a_line(ref)), 503)[0] == "NOT_YET_KNOWN"


async def test_an_invoice_number_is_used_once_by_a_biller(decisions, clients):
    """R-BIL-1, P11."""
    first = await submitted(decisions, a_line(clients[0]))
    again = await submit(decisions, a_line(clients[1]), invoice_number=first["invoice_number"])
    assert refusal(again)[0] == "INVOICE_NUMBER_USED"
    other = {"business_id": "2828286-3", "name": "Sydänkunto Oy"}
    await submitted(decisions, a_line(clients[1]), invoice_number=first["invoice_number"], biller=other)


async def test_the_biller_may_be_another_than_the_provider(decisions, clients):
    """E-60."""
    settlement = await submitted(decisions, a_line(clients[0]))
    assert settlement["biller"]["business_id"] == BILLER != settlement["provider_id"] == PROVIDER


async def test_providers_submit_and_officers_decide(decisions, clients):
    """R-BIL-1: roles."""
    for client, status in ((decisions.officer, 403), (decisions.system, 403), (decisions.service.http(None), 401)):
        expect(status, await client.post("/settlements", json=a_settlement(a_line(clients[0]))))
    settlement = await submitted(decisions, a_line(clients[0]))
    here = f"/settlements/{settlement['settlement_id']}"
    for client in (decisions.provider, decisions.system):
        expect(403, await client.post(f"{here}/acceptance"))
        expect(403, await client.post(f"{here}/rejection", json={"reasons": ["Ei."]}))
    async with decisions.service.transaction() as tx:
        who = await tx.fetch("SELECT role, action FROM audit WHERE subject = $1", f"settlement:{here[13:]}")
    assert [tuple(row) for row in who] == [("provider", "submit_settlement")]


async def test_a_provider_sees_its_own_settlements_only(decisions, clients):
    """E-60, R-BIL-1: another provider's does not exist; the tables say it a second time."""
    settlement = await submitted(decisions, a_line(clients[0]))
    here = f"/settlements/{settlement['settlement_id']}"
    for path in (here, f"{here}/finvoice", f"/contracts/{CONTRACT}/price-annexes"):
        expect(404, await decisions.other_provider.get(path))
        assert (await decisions.provider.get(path)).status_code == 200
    assert expect(200, await decisions.other_provider.get("/settlements"))["items"] == []
    stolen = a_settlement(a_line(clients[0]), provider_id=OTHER_PROVIDER)
    assert refusal(await decisions.other_provider.post("/settlements", json=stolen), 404)[0] == "CONTRACT_UNKNOWN"

    for provider_id, seen in ((OTHER_PROVIDER, 0), (PROVIDER, 1)):
        async with decisions.service.transaction(Principal("p", Role.PROVIDER, provider_id)) as tx:
            for table in ("settlements", "settlement_lines", "price_annexes"):
                assert await tx.fetchval(f"SELECT count(*) FROM {table}") == seen


async def test_without_row_level_security_another_provider_would_see_it(decisions, clients):
    """The negative control of the test above (E-60)."""
    settlement = await submitted(decisions, a_line(clients[0]))
    await decisions.alter(
        *(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY" for table in ("settlements", "settlement_lines"))
    )
    expect(200, await decisions.other_provider.get(f"/settlements/{settlement['settlement_id']}"))


async def test_settlements_are_listed_by_contract_and_state_page_by_page(decisions, clients):
    first, second, third = [await submitted(decisions, a_line(ref)) for ref in clients]
    await accept(decisions, second)

    async def listed(**asked):
        page = expect(200, await decisions.officer.get("/settlements", params=asked))
        return [item["settlement_id"] for item in page["items"]], page["next"]

    ids = [each["settlement_id"] for each in (first, second, third)]
    assert await listed() == (ids, None)
    assert await listed(state="submitted") == ([ids[0], ids[2]], None)
    assert await listed(contract_id=OTHER_CONTRACT) == ([], None)
    assert await listed(limit=2) == (ids[:2], ids[1])
    assert await listed(limit=2, after=ids[1]) == (ids[2:], None)


async def test_the_tables_keep_a_settlement_to_one_contract_and_its_reasons(decisions, clients):
    """R-BIL-3, R-BIL-4, R-BIL-1: what a constraint can hold, a constraint holds as well."""
    await submitted(decisions, a_line(clients[0]))
    for statement, constraint in (
        ("UPDATE settlement_lines SET contract_id = 'contract-2'", "one_contract_and_one_service"),
        ("UPDATE settlement_lines SET service = 'CARDIAC_ADULT'", "one_contract_and_one_service"),
        ("UPDATE settlement_lines SET amount = 1", "check"),
        ("UPDATE settlements SET state = 'rejected', decided_on = '2024-04-19'", "rejected_with_reasons"),
    ):
        with pytest.raises(Exception, match=constraint):
            await decisions.alter(statement)


async def test_attendance_is_copied_with_the_pin(decisions, clients):
    """E-20: what courses note arrives with the pin's newest version, whatever the order."""
    await decisions.know(pinned(clients[0], 3, attended=(1, 2), planned=(1, 2)), pinned(clients[0], 2, attended=()))
    await attend(decisions, clients[0], attended=())
    await accepted(decisions, a_line(clients[0], 2))
    assert [event.last for event in await decisions.service.published(PeriodPaid)] == [True]
