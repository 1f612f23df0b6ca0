"""What every process does once when it starts; all of it may be done again."""

from chassis.db import Transaction
from services.decisions.reconciling.handlers import plan_first_look
from services.decisions.reviewing.handlers import plan_first_review
from services.decisions.statistics.reported import load_tables


async def prepare(tx: Transaction) -> None:
    """Plan the nightly review and the reconciliation where they are not, and load the tables that were reported."""
    await plan_first_look(tx)
    await plan_first_review(tx)
    await load_tables(tx)
