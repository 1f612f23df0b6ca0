"""What every process does once when it starts; all of it may be done again."""

from chassis.db import Transaction
from services.registration import descriptions
from services.registration.reviews import handlers as reviews


async def prepare(tx: Transaction) -> None:
    """Publish what the data files say, and plan the reminders of offices that have none."""
    await descriptions.load_descriptions(tx)
    await reviews.plan_missing(tx)
