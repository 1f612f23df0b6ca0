"""Which bus a process uses; only this package knows."""

from chassis.bus import Bus
from chassis.bus.embedded import EmbeddedBus
from chassis.db import Database
from chassis.settings import BusKind, Settings


def open_bus(settings: Settings, database: Database) -> Bus:
    """The bus of `settings`, for the service of `database`."""
    if settings.bus is BusKind.EMBEDDED:
        return EmbeddedBus(database, settings.lease_s)
    # Imported here, because on one machine nothing of Kafka is needed and the import takes a quarter of a second.
    from chassis.bus.kafka import KafkaBus

    return KafkaBus(database, settings)
