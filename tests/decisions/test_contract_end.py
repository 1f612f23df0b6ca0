"""Kela sets a contract's last day: no decisions after it, whatever order the news comes in."""

from datetime import date

from contracts.registration import ContractValidityChanged
from tests.decisions.builders import a_contract, announced, refusal


def ended(version: int, valid_to: date | None) -> ContractValidityChanged:
    return ContractValidityChanged(version=version, contract=a_contract({2024: 5}, valid_to=valid_to))


async def test_after_the_end_of_a_contract_no_decision_is_given_and_those_given_stand(decisions):
    """E-45: the copy takes the new last day; lifting it opens the contract again."""
    granted = await decisions.grant()
    await decisions.know(ended(7, date(2024, 1, 14)))
    assert refusal(await decisions.apply())[0] == "CONTRACT_NOT_IN_FORCE"
    assert await decisions.states(granted) == ["granted"]
    await decisions.know(announced({2024: 9}, version=6))
    assert refusal(await decisions.apply())[0] == "CONTRACT_NOT_IN_FORCE"
    await decisions.know(ended(8, None))
    await decisions.grant()


async def test_on_its_last_day_a_contract_still_gets_decisions(decisions):
    """E-45: today is the 15th."""
    await decisions.know(ended(7, date(2024, 1, 15)))
    await decisions.grant()


async def test_who_waited_while_the_contract_was_ended_is_let_in_when_its_end_is_lifted(decisions):
    """E-54, E-45: one whose contract is not in force keeps its place in the queue."""
    await decisions.set_quota(0)
    waiting = await decisions.wait()
    await decisions.know(ended(7, date(2024, 1, 14)))
    await decisions.set_quota(9)
    await decisions.service.fire_timers()
    assert await decisions.states(waiting) == ["awaiting_quota"]
    await decisions.know(ended(8, None))
    await decisions.service.fire_timers()
    assert await decisions.states(waiting) == ["granted"]
