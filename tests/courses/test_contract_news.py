"""What Kela's changes of a contract do to courses: a lowered count, an end."""

import itertools
from datetime import date
from typing import Any

from contracts.registration import AnnouncedCountChanged, ContractValidityChanged
from contracts.values import CountChange
from tests.courses.builders import (
    CONTRACT,
    a_contract,
    a_proposal,
    contract_registered,
    count_changed,
    descriptions_published,
    expect,
    office_registered,
    refusal,
)


def corrected(count: int, version: int) -> AnnouncedCountChanged:
    """Kela corrected the count of 2024."""
    return count_changed({2024: count}, version).model_copy(update={"change": CountChange.CORRECTED})


def ended(version: int, **differences: Any) -> ContractValidityChanged:
    snapshot = contract_registered({2024: 100}, **differences).contract
    return ContractValidityChanged(version=version, contract=snapshot)


async def test_a_corrected_count_below_what_is_reserved_takes_no_place_away(courses):
    """E-3: two courses of twelve stay on a count of ten; nothing is free, and nothing grows."""
    first = await courses.a_course(group_size=12, pinned=6)
    await courses.create(group_size=12)
    await courses.know(corrected(10, version=2))
    assert await courses.ledger() == (10, 24, 0)
    assert refusal(await courses.provider.post("/courses", json=a_proposal(group_size=6)))[0] == "PLACE_LEDGER_FULL"
    decision = await courses.grant()
    expect(201, await courses.pin(first, decision))
    expect(200, await courses.confirm(first))
    await courses.know(count_changed({2024: 30}, version=3))
    assert await courses.ledger() == (30, 24, 6)
    await courses.create(group_size=6)


async def test_a_raise_and_its_correction_end_alike_in_every_order(empty_courses):
    """E-3, E-67: the newer version wins, so a lowered count is not raised again by old news."""
    news = [contract_registered({2024: 20}), count_changed({2024: 260}, version=2), corrected(26, version=3)]
    for number, order in enumerate(itertools.permutations(news)):
        contract_id = f"contract-{number}-of-six"
        for event in (*order, order[0]):
            contract = a_contract(contract_id=contract_id, announced_counts=event.contract.announced_counts)
            await empty_courses.know(event.model_copy(update={"contract": contract}))
        assert await empty_courses.ledger(contract_id=contract_id) == (26, 0, 26)


async def test_an_ended_contract_publishes_no_more_and_what_runs_goes_on(courses):
    """E-45: the copy takes the new last day; the confirmed course keeps its clients and takes one more."""
    running = await courses.a_course(pinned=6)
    expect(200, await courses.confirm(running))
    created = await courses.create(group_size=6)
    await courses.know(ended(2, valid_to=date(2024, 1, 14)))
    validity = {"valid_from": "2023-01-01", "valid_to": "2024-01-14"}
    publication = f"/courses/{created['course_id']}/publication"
    assert refusal(await courses.provider.post(publication)) == ("CONTRACT_NOT_VALID", validity)
    assert refusal(await courses.provider.post("/courses", json=a_proposal())) == ("CONTRACT_NOT_VALID", validity)
    expect(201, await courses.pin(running, await courses.grant()))
    assert (await courses.get(running))["state"] == "confirmed"
    await courses.know(ended(3))
    expect(200, await courses.provider.post(publication))


async def test_news_of_an_end_that_comes_first_is_kept(empty_courses):
    """E-67: the end before the contract itself, and the older news does not lift it."""
    await empty_courses.know(
        descriptions_published(), office_registered(), ended(2, valid_to=date(2024, 1, 14)), contract_registered()
    )
    assert refusal(await empty_courses.provider.post("/courses", json=a_proposal()))[0] == "CONTRACT_NOT_VALID"
    assert await empty_courses.ledger(contract_id=CONTRACT) == (100, 0, 100)
