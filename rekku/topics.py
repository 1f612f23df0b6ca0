"""Applying the declared topics to Apache Kafka from the command line."""

from chassis.bus import BusUnavailable
from chassis.bus.kafka_topics import CannotApply, Drift, apply_topics
from chassis.settings import BusKind
from rekku.home import Home
from rekku.inside import bus_settings
from rekku.problems import Problem
from rekku.terminal import quiet_kafka_client


async def apply_declared(home: Home, *, replication: int | None, check: bool) -> int:
    """Apply the declarations, or only compare; a line per difference, and 1 where one stays.

    Raises:
        Problem: there is no Kafka to apply them to, or it does not answer, or it refuses.
    """
    settings = bus_settings(home)
    if settings.bus is BusKind.EMBEDDED:
        raise Problem("the embedded bus applies its topics itself; for Kafka set REKKU_BUS and REKKU_KAFKA_SERVERS")
    quiet_kafka_client()
    try:
        drifts = await apply_topics(settings, replication=replication, check_only=check)
    except (BusUnavailable, CannotApply) as error:
        raise Problem(str(error), status=1) from error
    for drift in drifts:
        print(_line(drift, settled=not (check or drift.lasting)))
    if not drifts:
        print("every topic is as declared")
    return int(any(check or drift.lasting for drift in drifts))


def _line(drift: Drift, *, settled: bool) -> str:
    if drift.found is None:
        return f"{drift.topic}: {'made with ' + drift.declared if settled else 'is missing'}"
    if settled:
        return f"{drift.topic}: {drift.setting} is {drift.declared} now, and was {drift.found}"
    never = "; that is never changed" if drift.lasting else ""
    return f"{drift.topic}: {drift.setting} is {drift.found}, and {drift.declared} is declared{never}"
