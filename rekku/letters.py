"""Dead letters of every service from the command line: list, show, replay, discard."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from rich.console import Console
from rich.table import Table

from chassis.acts import ChassisRead
from chassis.db import Database
from chassis.dead_letters import DeadLetter, NoSuchLetter, describe, get_letter
from chassis.dead_letters import list_letters as letters_of
from chassis.replaying import discard, replay
from chassis.service import Service
from chassis.settings import Settings
from contracts.topics import SERVICES
from rekku.home import Home
from rekku.inside import database_of
from rekku.problems import Problem
from rekku.services import load


async def list_letters(home: Home, *, everything: bool) -> None:
    """A table of all services' letters; only open ones unless `everything`."""
    table = Table("service", "letter", "failed at", "from", "failure", "error", "state", "waiting behind it")
    for service in SERVICES:
        async with database_of(home, service) as database, database.transaction(readonly=True) as tx:
            for letter in await letters_of(tx, state=None if everything else "open"):
                table.add_row(
                    service,
                    str(letter.letter_id),
                    f"{letter.failed_at:%Y-%m-%d %H:%M:%S}",
                    _origin(letter),
                    letter.failure,
                    letter.error,
                    letter.state,
                    str(letter.waiting),
                )
    if table.row_count:
        Console(width=200, soft_wrap=True).print(table)
    else:
        print("no dead letters")


def _origin(letter: DeadLetter) -> str:
    record = letter.record
    return f"{record.topic}/{record.partition}/{record.position}"


async def show_letter(home: Home, letter_id: UUID) -> None:
    """One letter with its headers and its body as they came."""
    service, letter = await _find(home, letter_id)
    async with database_of(home, service) as database, database.transaction() as tx:
        tx.audit(ChassisRead.READ_DEAD_LETTER, f"dead-letter:{letter_id}")
    print(f"letter    {letter.letter_id} of {service} ({letter.state})")
    print(f"from      {_origin(letter)}, failed at {letter.failed_at:%Y-%m-%d %H:%M:%S}")
    print(f"key       {(letter.record.key or b'').decode(errors='replace')}")
    print(f"failure   {letter.failure}: {letter.error}")
    print(f"waiting   {letter.waiting} records of the same key")
    for name, value in letter.record.headers:
        print(f"header    {name}: {value.decode(errors='replace')}")
    print(f"body      {(letter.record.value or b'').decode(errors='replace')}")


async def replay_letter(home: Home, letter_id: UUID) -> None:
    """Apply the letter and what waited behind it, in one transaction.

    Raises:
        Problem: there is no such open letter, or it fails again; then nothing has changed.
    """

    async def apply(service: Service, database: Database) -> int:
        return await replay(service, database, Settings().outside_sources, letter_id)

    print(f"replayed: {await _settle(home, letter_id, apply)} records applied")


async def discard_letter(home: Home, letter_id: UUID) -> None:
    """Give the letter up and apply what waited behind it, in one transaction.

    Raises:
        Problem: there is no such open letter, or what waited fails; then nothing has changed.
    """

    async def give_up(service: Service, database: Database) -> int:
        return await discard(service, database, Settings().outside_sources, letter_id)

    print(f"discarded: {await _settle(home, letter_id, give_up)} waiting records applied")


async def _settle(home: Home, letter_id: UUID, act: Callable[[Service, Database], Awaitable[int]]) -> int:
    service, letter = await _find(home, letter_id)
    if letter.state != "open":
        raise Problem(f"the letter was {letter.state} already")
    async with database_of(home, service) as database:
        try:
            return await act(load(service), database)
        except NoSuchLetter as error:
            raise Problem("the letter was settled by somebody else just now") from error
        except Exception as error:
            # A handler's bug can raise anything; the letter is still open, because its transaction is undone.
            raise Problem(f"it fails again, nothing has changed: {describe(error)}", status=1) from error


async def _find(home: Home, letter_id: UUID) -> tuple[str, DeadLetter]:
    for service in SERVICES:
        async with database_of(home, service) as database, database.transaction(readonly=True) as tx:
            try:
                return service, await get_letter(tx, letter_id)
            except NoSuchLetter:
                continue
    raise Problem(f"there is no dead letter {letter_id}")
