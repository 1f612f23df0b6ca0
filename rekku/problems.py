"""What the command line says when it cannot do what was asked: one clear line, an exit status, no traceback."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
from cyclopts import CycloptsError
from pydantic import ValidationError
from pydantic_settings import SettingsError

from chassis.files import NO_ROOM, Unusable
from chassis.settings import Unfit

_SETTINGS = frozenset({"Settings", "ServedSettings", "Administration"})


class Problem(Exception):
    """Something the person at the terminal can act on; `main` prints it as one line.

    Args:
        message: what is wrong and, where it helps, what to do.
        status: 1 where the work was done and something did not hold, 2 where it could not begin.
        details: where there is more than one thing to do, a line for each.
    """

    def __init__(self, message: str, status: int = 2, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.details = details

    @property
    def lines(self) -> list[str]:
        """What is printed."""
        return [" ".join(line.split()) for line in (str(self), *self.details)]


def problem_of(error: BaseException) -> Problem | None:
    """What `error` comes to for the person at the terminal; None for a fault of our own, which keeps its traceback."""
    match error:
        case Problem():
            return error
        case BaseExceptionGroup():
            return problem_of(error.exceptions[0])
        case Unfit() if len(error.problems) > 1:
            return Problem(f"{error.service} does not start:", details=[f"- {line}" for line in error.problems])
        case Unusable() | CycloptsError():
            return Problem(str(error))
        case SettingsError():
            return Problem(f"a setting is wrong: {error}")
        case ValidationError() if error.title in _SETTINGS:
            return Problem(f"a setting is wrong: {'; '.join(map(_wrong_setting, error.errors(include_input=False)))}")
        case asyncpg.PostgresError() | asyncpg.InterfaceError():
            return _problem_of_database(error)
        case OSError():
            place = f"{error.filename}: " if error.filename else ""
            advice = "; make room on the disk and try again" if error.errno in NO_ROOM else ""
            return Problem(f"{place}{error.strerror or type(error).__name__}{advice}")
    return None


def _wrong_setting(detail: Mapping[str, Any]) -> str:
    where = ".".join(map(str, detail["loc"]))
    message = detail["msg"].removeprefix("Value error, ")
    return f"REKKU_{where.upper()}: {message}" if where else message


def _problem_of_database(error: asyncpg.PostgresError | asyncpg.InterfaceError) -> Problem:
    kind = type(error).__name__
    if isinstance(error, asyncpg.DiskFullError):
        return Problem(f"PostgreSQL's disk is full ({kind}); make room on it and try again")
    if isinstance(error, asyncpg.InvalidPasswordError):
        return Problem(f"PostgreSQL does not take this password ({kind}): passwords.json is of another home")
    if isinstance(error, asyncpg.ClientConfigurationError):
        return Problem(f"the address of PostgreSQL cannot be understood ({kind})")
    return Problem(f"PostgreSQL broke off, or cannot be reached ({kind})")
