"""Rebuilding projections from the command line: progress while it lasts, then what was found."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager

import asyncpg
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from chassis.bus import BusUnavailable
from chassis.bus.history import History, open_history
from chassis.db import Database
from chassis.dead_letters import describe
from chassis.migrate import missing_migrations
from chassis.projections import RebuildImpossible, Rebuilt, rebuild
from chassis.service import Service
from chassis.settings import Settings
from contracts.topics import SERVICES
from rekku.home import Home
from rekku.inside import bus_settings, database_of, given_database
from rekku.problems import Problem
from rekku.services import load

_LINE_EVERY_S = 5.0
_SHOWN = 5

Tell = Callable[[int, int], None]


async def rebuild_projections(home: Home, names: Sequence[str], *, accept: bool) -> int:
    """Rebuild the projections of the named services, or of all that have one; 1 where one differs and stays.

    With REKKU_DATABASE_URL it is the one service of that database, as `rekku serve` would run it;
    else the services of the system that runs in this home.

    Raises:
        Problem: a service has no projection, or one could not be rebuilt; what is live is untouched.
    """
    settings = Settings()
    given = bool(settings.database_url.get_secret_value())
    if given and len(names) != 1:
        raise Problem("REKKU_DATABASE_URL is the database of one service: name that service")
    if not given and not names:
        home.running()  # to load every service takes seconds
    services = [load(name) for name in dict.fromkeys(names)] or [s for s in map(load, SERVICES) if s.project]
    for service in services:
        if service.project is None:
            raise Problem(f"{service.name} has no projection: what it keeps comes from commands and reactions")
    status = 0
    for service in services:
        async with AsyncExitStack() as stack:
            if given:
                database = await stack.enter_async_context(given_database(service.name, settings))
            else:
                database = await stack.enter_async_context(database_of(home, service.name))
            history = open_history(settings if given else bus_settings(home), database)
            stack.push_async_callback(history.close)
            outcome = await _rebuild(service, database, history, accept=accept)
        _report(service.name, outcome, accept=accept)
        if not (outcome.same or accept):
            status = 1
    return status


async def _rebuild(service: Service, database: Database, history: History, *, accept: bool) -> Rebuilt:
    try:
        async with database.connection() as connection:
            missing = await missing_migrations(connection, service.migrations)
        if missing:
            raise Problem(f"{len(missing)} migrations of {service.name} are missing; run `rekku migrate`")
        with _progress(service.name) as tell:
            return await rebuild(service, database, history, accept=accept, progress=tell)
    except (RebuildImpossible, BusUnavailable) as error:
        raise Problem(f"{error}; the live projection is as it was", status=1) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise Problem(
            f"rebuilding {service.name} broke off ({describe(error)}); the live projection is whole, run it again",
            status=1,
        ) from error


@contextmanager
def _progress(name: str) -> Iterator[Tell]:
    """A bar on a terminal, else a line now and then."""
    if not sys.stdout.isatty():
        yield _lines(name)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(name: str) -> Tell:
    started = said = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said >= _LINE_EVERY_S:
            said = now
            left_s = (now - started) * (total - done) / done if done else 0
            print(f"{name}: {done:,} of {total:,} records, {left_s:.0f} s left", flush=True)

    return tell


def _report(name: str, outcome: Rebuilt, *, accept: bool) -> None:
    rate = outcome.records / outcome.seconds
    print(
        f"{name}: {outcome.records:,} records in {outcome.seconds:.1f} s ({rate:,.0f} a second);"
        f" live projecting waited for {outcome.stood_still_s * 1000:.0f} ms"
    )
    if outcome.letters:
        print(f"{name}: {outcome.letters:,} dead letters are left out, as in the live generation")
    for found in outcome.failed[:_SHOWN]:
        print(f"{name}: could not be applied: {found}")
    if len(outcome.failed) > _SHOWN:
        print(f"{name}: {len(outcome.failed) - _SHOWN:,} more could not be applied")
    for table in outcome.differences:
        print(
            f"{name}: {table.table} differs: {table.live.rows:,} rows live ({table.live.digest}),"
            f" {table.new.rows:,} new ({table.new.digest}); {table.changed:,} changed, {table.only_live:,} only live,"
            f" {table.only_new:,} only new; the first: {', '.join(table.first_keys)}"
        )
    rows = sum(contents.rows for contents in outcome.tables.values())
    if outcome.same:
        print(f"{name}: the same as live: {len(outcome.tables)} tables, {rows:,} rows")
    elif accept:
        print(f"{name}: the new generation is live: {outcome.written:,} rows were written")
    else:
        print(f"{name}: the live generation stays; --accept puts the new one in its place")
