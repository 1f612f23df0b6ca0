"""Erasing a client from the command line."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from chassis.db import Database
from chassis.settings import Settings
from contracts.identity_codes import TextKind, holds_identity_code
from rekku.home import Home
from rekku.inside import database_of, given_database
from rekku.problems import Problem
from services.decisions.erasing import Erased, erase_client

REMAINS = (
    "what was passed on is taken back as the other services read; what is left until VACUUM, WAL and backups have gone"
    " by is in docs/operations.md"
)


async def erase(home: Home, client_ref: str) -> None:
    """Erase a client in the system that runs here, or with REKKU_DATABASE_URL in that of the decisions service.

    Raises:
        Problem: it is no reference, or nothing runs here, or the keys' address is missing, or PostgreSQL does not
            answer.
    """
    if holds_identity_code(client_ref, TextKind.IDENTIFIER):
        raise Problem("that looks like a personal identity code; clients are named by their reference")
    async with _decisions(home) as database:
        erased = await database.run(partial(erase_client, client_ref=client_ref))
    print(outcome(client_ref, erased))


def outcome(client_ref: str, erased: Erased) -> str:
    """One line."""
    if not erased.anything:
        return f"{client_ref}: nothing is kept that could be erased"
    found = (("contact data", erased.contacts), ("eligibility", erased.eligibility), ("keys", erased.keys))
    return f"{client_ref}: erased {', '.join(name for name, there in found if there)}; {REMAINS}"


@asynccontextmanager
async def _decisions(home: Home) -> AsyncIterator[Database]:
    settings = Settings()
    given = bool(settings.database_url.get_secret_value())
    if given and not settings.keys_database_url.get_secret_value():
        raise Problem("REKKU_KEYS_DATABASE_URL is missing: without the keys nothing would be erased")
    async with given_database("decisions", settings) if given else database_of(home, "decisions") as database:
        yield database
