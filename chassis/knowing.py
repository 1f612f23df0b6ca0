"""`Rekku-Known`: a request says what its caller has seen, and is answered from copies no older (record 0006)."""

import asyncio
import re
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from chassis.auth import Principal
from chassis.db import Database
from contracts.refusals import Invalid, NotYetKnown

if TYPE_CHECKING:
    from chassis.service import KnownVersion

MOST_SUBJECTS = 20
_WAIT_S = 2.0
_FIRST_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 0.2
_MARK = re.compile(r"([a-z-]{1,40}):([!-~]{1,100})@([0-9]{1,18})")


async def wait_until_known(
    database: Database, known: "Mapping[str, KnownVersion]", marks: str, principal: Principal
) -> None:
    """Wait up to two seconds until the copies here are as new as `marks` says.

    It reads as `principal`: what that one may not see is as if it were not there. Between two looks no
    connection is held; only the first subject that is behind is looked at again.

    Raises:
        Invalid: REKKU_KNOWN_INVALID, the marks cannot be read or name more than MOST_SUBJECTS.
        NotYetKnown: NOT_YET_KNOWN, a copy has not got there.
    """
    wanted = [(subject, least) for subject, least in read_marks(marks).items() if subject[0] in known]
    deadline, pause_s = time.monotonic() + _WAIT_S, _FIRST_PAUSE_S
    while wanted:
        async with database.transaction(principal, readonly=True) as tx:
            while wanted:
                (kind, name), least = wanted[0]
                if (await known[kind](tx, name) or 0) < least:
                    break
                del wanted[0]
        if not wanted:
            return
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            (kind, _), least = wanted[0]
            raise NotYetKnown("NOT_YET_KNOWN", subjects=[f"{kind}@{least}"])
        await asyncio.sleep(min(pause_s, left_s))
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def well_formed_marks(header: str) -> list[str]:
    """The marks of a header that can be read, as they stand there; what is none is left out."""
    return [mark for part in header.split(",") if _MARK.fullmatch(mark := part.strip())]


def merge_marks(held: Iterable[str], seen: Iterable[str]) -> list[str]:
    """Well-formed marks as one list: the newest version of each subject, of the subjects that were seen last."""
    versions: dict[str, int] = {}
    for mark in [*held, *seen]:
        subject, _, version = mark.rpartition("@")
        versions[subject] = max(int(version), versions.pop(subject, 0))
    return [f"{subject}@{version}" for subject, version in list(versions.items())[-MOST_SUBJECTS:]]


def read_marks(header: str) -> dict[tuple[str, str], int]:
    """Subjects `(kind, id)` with the newest version of each, from `kind:id@version`, separated by commas.

    Raises:
        Invalid: REKKU_KNOWN_INVALID.
    """
    marks: dict[tuple[str, str], int] = {}
    for item in filter(None, map(str.strip, header.split(","))):
        match = _MARK.fullmatch(item)
        if match is None:
            raise Invalid("REKKU_KNOWN_INVALID")
        subject = (match[1], match[2])
        marks[subject] = max(int(match[3]), marks.get(subject, 0))
    if len(marks) > MOST_SUBJECTS:
        raise Invalid("REKKU_KNOWN_INVALID")
    return marks
