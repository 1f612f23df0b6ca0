"""Decisions in their states, clients on a course, and what is billed and counted of them."""

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

from chassis.testing import ServiceUnderTest
from contracts.registration import LocalisedText
from tests.decisions.builders import (
    CONTRACT,
    COURSE,
    HEART,
    OTHER_CONTRACT,
    OTHER_PROVIDER,
    PROVIDER,
    RARE,
    DecisionsUnderTest,
    a_description,
    an_application,
    described,
    expect,
    registered,
)
from tests.decisions.ending import a_change, annul, another_provider, night
from tests.decisions.following import Following, an_answer
from tests.decisions.settling import BILLER, IBAN, PRICE, a_line, a_settlement, accept, attend, prices, submitted
from tests.decisions.test_concerns import discuss, file
from tests.fuzz.fuzzing import Known
from tests.fuzz.scenes.scene import Scene

_WAITING_FOR = "contract-heart"
_TODAY = "2024-04-19"


async def set_up(service: ServiceUnderTest) -> Scene:
    """After the deadline of three months: clients who attended, wait, changed their mind, are called, are billed."""
    decisions = DecisionsUnderTest(service)
    await decisions.start()
    await decisions.know(described(a_description(confirm_within_months=3), version=2))
    await another_provider(decisions, announced=50)
    text = LocalisedText(fi="Sydänkurssi", sv="Hjärtkurs", en="Heart course")
    heart = registered({2024: 9}, contract_id=_WAITING_FOR, service=HEART)
    await decisions.know(described(a_description(service=HEART, names=text)), heart)
    await decisions.set_quota(0, service=HEART)
    waiting = [await decisions.wait(contract_id=_WAITING_FOR) for _ in range(4)]
    attended = [(await decisions.grant())["decision_ref"] for _ in range(12)]
    others = [await decisions.grant(municipality_code="837") for _ in range(10)]
    expect(200, await decisions.revoke(others[0]))
    expect(200, await annul(decisions, others[1]))
    expect(201, await decisions.officer.post(f"/contracts/{CONTRACT}/price-annexes", json=prices()))
    await attend(decisions, *attended)
    await night(decisions, datetime(2024, 4, 19, 12, tzinfo=UTC))
    follow_up = Following(decisions)
    expect(201, await follow_up.contact(others[2]["decision_ref"], _TODAY))
    wished = others[3]["decision_ref"]
    expect(200, await follow_up.wish(wished, _TODAY))
    concerns = [expect(201, await file(decisions, ref)) for ref in attended[:4]]
    for concern in concerns[:2]:
        expect(200, await discuss(decisions, concern, spoken_on=_TODAY))
    billed = [await submitted(decisions, a_line(ref)) for ref in attended[:6]]
    await accept(decisions, billed[0])
    finvoice = (await decisions.provider.get(f"/settlements/{billed[0]['settlement_id']}/finvoice")).text
    listed = expect(200, await decisions.officer.get("/reasonings"))["items"]
    reported = expect(200, await service.http(None).get("/statistics/reported"))["items"]
    refs = [*attended, *(one["decision_ref"] for one in (*others, *waiting))]
    known = Known(
        {
            "decision_ref": refs,
            "decision_refs": [[ref] for ref in attended],
            "client_ref": [one["client_ref"] for one in (*others, *waiting)],
            "contract_id": [CONTRACT, OTHER_CONTRACT, _WAITING_FOR],
            "provider_id": [PROVIDER, OTHER_PROVIDER],
            "business_id": [BILLER],
            "course_id": [COURSE],
            "concern_id": [one["concern_id"] for one in concerns],
            "settlement_id": [one["settlement_id"] for one in billed],
            "table": [table["table"] for table in reported],
            "service": [RARE, RARE, HEART],
            "year": [2024, 2025],
            "area": ["08", "12"],
            "municipality_code": ["837", "297"],
            "reasoning": [one["code"] for one in listed],
            "iban": [IBAN],
            "phone": ["+358401234567"],
            "period_number": [1, 2],
            "applied_on": ["2024-01-02", "2024-04-01"],
            "received_on": [_TODAY, "2024-04-01"],
            "contacted_on": [_TODAY],
            "spoken_on": [_TODAY],
            "next_on": ["2024-05-06", "2024-05-20"],
            "in_use_from": ["2024-05-01"],
            "valid_from": ["2023-01-01", "2024-05-01"],
            "valid_to": [None],
            "birth_date": [None],
            "after": [""],
            "kind": ["csv", "xlsx"],
            "price": ["100.00"],
        },
        learnt=("decision_ref", "concern_id", "settlement_id"),
        bodies=_bodies(attended, finvoice),
    )
    clients = [decisions.provider, decisions.officer, decisions.system]
    return Scene.of(service, known, clients)


def _bodies(attended: list[str], finvoice: str) -> dict[str, Callable[[Random], Any]]:
    """Bodies whose parts must agree."""

    def line(random: Random) -> dict[str, Any]:
        return a_line(random.choice(attended), random.choice((1, 2)), PRICE)

    def invoice(random: Random) -> dict[str, Any]:
        return a_settlement(line(random), invoiced_on=_TODAY)

    def as_xml(random: Random) -> str:
        """The document of one invoice, under another number and about another client."""
        written = finvoice
        for number in {part.partition("<")[0] for part in finvoice.split("<InvoiceNumber>")[1:]}:
            written = written.replace(f">{number}<", f">F-{random.randrange(10**9)}<")
        return written.replace(attended[0], random.choice(attended))

    def payment(random: Random) -> dict[str, Any]:
        return {"course_id": COURSE, "period_number": 1, "decision_refs": [random.choice(attended)]}

    def annex(random: Random) -> dict[str, Any]:
        return prices(valid_from=f"2025-{random.randrange(1, 13):02}-01")

    return {
        "POST /settlements": invoice,
        "POST /settlements/finvoice": as_xml,
        "POST /payments": payment,
        "POST /decisions": lambda random: an_application(contract_id=random.choice((CONTRACT, OTHER_CONTRACT))),
        "POST /decisions/{decision_ref}/provider-change": lambda random: a_change(
            random.choice((CONTRACT, OTHER_CONTRACT))
        ),
        "POST /decisions/{decision_ref}/rejection": lambda _: {"reasoning": "REJECT_CONDITIONS_NOT_MET"},
        "POST /decisions/{decision_ref}/withdrawal": lambda _: {"client_notice": an_answer(_TODAY)},
        "POST /settlements/{settlement_id}/rejection": lambda _: {"reasons": ["Asiakas keskeytti kurssin."]},
        "POST /contracts/{contract_id}/price-annexes": annex,
    }
