"""What services have written and the bus does not take, from the command line: show, retry."""

from rich.console import Console
from rich.table import Table

from chassis.aside import ask_for, keys_aside
from contracts.topics import SERVICES, TOPICS
from rekku.home import Home
from rekku.inside import database_of
from rekku.problems import Problem

_WAITING = """
SELECT topic, count(*) AS rows, extract(epoch FROM clock_timestamp() - min(created_at)) AS age
FROM outbox GROUP BY topic ORDER BY min(id)
"""


async def show_waiting(home: Home) -> None:
    """Two tables: rows that wait, by service and topic, and keys that are set aside, with the reason."""
    waiting = Table("service", "topic", title="Waiting for the bus", title_justify="left")
    for heading in ("rows", "oldest, s"):
        waiting.add_column(heading, justify="right")
    aside = Table("service", "topic", "key", "rows", "written since", "why", "retry")
    aside.title, aside.title_justify = "Set aside", "left"
    for service in SERVICES:
        async with database_of(home, service) as database, database.transaction(readonly=True) as tx:
            for row in await tx.fetch(_WAITING):
                waiting.add_row(service, row["topic"], str(row["rows"]), f"{row['age']:.1f}")
            for each in await keys_aside(tx):
                since, asked = f"{each.since:%Y-%m-%d %H:%M:%S}", "asked for" if each.retry else ""
                key = each.key.decode(errors="replace")
                aside.add_row(service, each.topic, key, str(each.rows), since, each.fault, asked)
    tables = [table for table in (waiting, aside) if table.row_count]
    for table in tables:
        Console(width=200, soft_wrap=True).print(table)
    if not tables:
        print("nothing waits")


async def retry(home: Home, topic: str | None, key: str | None) -> None:
    """Ask the services to publish what is set aside, of one topic or key where one is given.

    Raises:
        Problem: there is no such topic, or nothing of that kind is set aside.
    """
    if topic is not None and topic not in TOPICS:
        raise Problem(f"there is no topic {topic}; `rekku topics list` shows them")
    asked = 0
    for service in SERVICES:
        async with database_of(home, service) as database, database.transaction() as tx:
            asked += await ask_for(tx, topic, None if key is None else key.encode())
    if not asked:
        raise Problem("nothing of that is set aside; `rekku outbox show` shows what is")
    print(f"asked for: {asked} {'key' if asked == 1 else 'keys'}; what the bus still does not take is set aside again")
