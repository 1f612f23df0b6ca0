"""`rekku serve` without the name that a member of a consumer group keeps over restarts (static membership).

Only to be compared with: `bench.rolling` measures what the name is worth.
"""

from typing import Any

from faststream.kafka import KafkaBroker

from rekku.cli import main

_named = KafkaBroker.subscriber


def _nameless(self: KafkaBroker, *topics: str, **options: Any) -> Any:
    del options["group_instance_id"]
    return _named(self, *topics, **options)


KafkaBroker.subscriber = _nameless  # type: ignore[method-assign]

if __name__ == "__main__":
    main()
