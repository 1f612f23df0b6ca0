"""A hand on settlements: prices, clients that attended, and the bodies a provider sends."""

from itertools import count
from typing import Any

import httpx

from tests.decisions.builders import CONTRACT, PROVIDER, RARE, DecisionsUnderTest, course_confirmed, expect, pinned

KELA = "0246246-0"
BILLER = "1234567-1"
IBAN = "FI2112345600000785"
PRICE = "500.00"
"""A face-to-face period of five days at 100 euros a day."""

_numbers = count(1)


def prices(**differences: Any) -> dict[str, Any]:
    """A price annex: 100 euros for a face-to-face day, 80 for an online period."""
    facts: dict[str, Any] = {
        "valid_from": "2023-01-01",
        "prices": [
            {"mode": "face_to_face", "unit": "day", "price": "100.00"},
            {"mode": "online", "unit": "period", "price": "80.00"},
        ],
    }
    return facts | differences


def a_line(ref: str, period: int = 1, amount: str = PRICE, **differences: Any) -> dict[str, Any]:
    return {"decision_ref": ref, "period_number": period, "amount": amount, **differences}


def a_settlement(*lines: dict[str, Any], **differences: Any) -> dict[str, Any]:
    """The body of a settlement whose total is right, with an invoice number of its own."""
    facts: dict[str, Any] = {
        "form_version": 1,
        "contract_id": CONTRACT,
        "service": RARE,
        "receiver": {"business_id": KELA, "name": "Kansaneläkelaitos"},
        "provider_id": PROVIDER,
        "biller": {"business_id": BILLER, "name": "Laskutus & Perintä Oy"},
        "biller_reference": "Kurssi 976",
        "email": "laskutus@sydankunto.fi",
        "invoice_number": f"2024-{next(_numbers)}",
        "reference_number": "1232",
        "iban": IBAN,
        "invoiced_on": "2024-04-19",
        "due_on": "2024-05-19",
        "total": f"{sum(float(line['amount']) for line in lines):.2f}",
        "lines": list(lines),
    }
    return facts | differences


async def attend(decisions: DecisionsUnderTest, *refs: str, attended: tuple[int, ...] = (1, 2)) -> None:
    """Let the service hear that the decisions' clients are on the course and attended these periods."""
    await decisions.know(course_confirmed(), *(pinned(ref, attended=attended) for ref in refs))


async def submit(decisions: DecisionsUnderTest, *lines: dict[str, Any], **differences: Any) -> httpx.Response:
    return await decisions.provider.post("/settlements", json=a_settlement(*lines, **differences))


async def submitted(decisions: DecisionsUnderTest, *lines: dict[str, Any], **differences: Any) -> dict[str, Any]:
    """A settlement that has to be taken."""
    return expect(201, await submit(decisions, *lines, **differences))


async def accepted(decisions: DecisionsUnderTest, *lines: dict[str, Any], **differences: Any) -> dict[str, Any]:
    """A settlement that has to be taken, and accepted by Kela."""
    return await accept(decisions, await submitted(decisions, *lines, **differences))


async def accept(decisions: DecisionsUnderTest, settlement: dict[str, Any]) -> dict[str, Any]:
    return expect(200, await decisions.officer.post(f"/settlements/{settlement['settlement_id']}/acceptance"))


async def reject(decisions: DecisionsUnderTest, settlement: dict[str, Any], *reasons: str) -> httpx.Response:
    body = {"reasons": list(reasons)}
    return await decisions.officer.post(f"/settlements/{settlement['settlement_id']}/rejection", json=body)


async def credit(
    decisions: DecisionsUnderTest, original: dict[str, Any], *lines: dict[str, Any], **differences: Any
) -> httpx.Response:
    """Give back lines of a settlement: the provider sends them with negative amounts."""
    given_back = [line | {"amount": f"-{line['amount']}"} for line in lines]
    facts = {"original_invoice_number": original["invoice_number"]} | differences
    return await submit(decisions, *given_back, **facts)


def faults(answer: httpx.Response) -> list[tuple[int | None, str]]:
    """Line and code of everything that a settlement was refused for."""
    problem = expect(409, answer)
    assert problem["code"] == "SETTLEMENT_REFUSED", problem
    return [(fault["line"], fault["code"]) for fault in problem["values"]["faults"]]
