"""HTTP of a contract's last day."""

from fastapi import APIRouter
from starlette.responses import Response

from chassis.acts import does
from chassis.db import Transaction
from chassis.http import Answer, Command, problems
from services.registration.acts import Act
from services.registration.answers import contract_answer
from services.registration.ending import handlers
from services.registration.fields import Day, IdInPath, Officer, Reason
from services.registration.views import ContractView

router = APIRouter()


class EndContract(Command):
    """The contract's last day, and why; null lifts the day that was set."""

    valid_to: Day | None
    reason: Reason


@router.put(
    "/contracts/{contract_id}/end",
    response_model=ContractView,
    responses=problems("CONTRACT_UNKNOWN", "STALE_VERSION", "VALIDITY_INVERTED"),
    openapi_extra=does(Act.END_CONTRACT),
)
async def end_contract(contract_id: IdInPath, body: EndContract, caller: Officer) -> Response:
    """Kela sets, moves or lifts the contract's last day; nothing new begins after it (E-45)."""

    async def act(tx: Transaction) -> Answer:
        contract = await handlers.end_contract(
            tx, contract_id, body.valid_to, reason=body.reason, if_match=caller.if_match
        )
        return await contract_answer(tx, contract)

    return await caller.command(act)
