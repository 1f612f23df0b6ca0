"""What every process does once when it starts; all of it may be done again."""

from chassis.db import Transaction
from services.registration import descriptions
from services.registration.counts import handlers as counts
from services.registration.reviews import handlers as reviews


async def prepare(tx: Transaction) -> None:
    """Publish what the data files say, and plan the timers that are missing: of counts, of offices' reviews."""
    await descriptions.load_descriptions(tx)
    await counts.plan_first_defaults(tx)
    await reviews.plan_missing(tx)
