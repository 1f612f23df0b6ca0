"""Answers that several features of the API give."""

from chassis.db import Transaction
from chassis.http import Answer
from services.registration import gauge
from services.registration.domain import Contract
from services.registration.views import ContractView


async def contract_answer(tx: Transaction, contract: Contract, *, status: int = 200) -> Answer:
    """A contract with its gauge per year, its version and what the caller knows from now on."""
    gauges = await gauge.read_gauges(tx, [contract])
    view = ContractView.of(contract, gauges[contract.contract_id])
    return Answer(status, view, version=contract.version, subject=("contract", contract.contract_id))
