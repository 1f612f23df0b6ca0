"""Campaigns: tests that play at random, for as long as they are given, against what must always hold.

`make test` plays each of them short, `make test-long` whole; `CAMPAIGN=` names one, `SIZE=` gives it another size.
Whatever is drawn at random is drawn from one seed, which the head of every run prints and `REKKU_SEED` sets. What a
campaign needs to notice broken guards does not shrink with it: a negative control says itself how long it plays.
"""

import hashlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass


def read_seed(text: str) -> int:
    """The seed of a run.

    Raises:
        ValueError: it is no whole number.
    """
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"REKKU_SEED is a whole number, and {text!r} is none")
    return int(text)


try:
    SEED = read_seed(os.environ.get("REKKU_SEED", "1"))
except ValueError as error:
    sys.exit(str(error))

EVERY = "all"
"""Names all campaigns at once."""


@dataclass(frozen=True)
class Campaign:
    """What is played at random.

    Args:
        proves: in a few words.
        of: what its size counts.
        short: its size in a run of all tests; 0 where only a whole one is worth its time.
        whole: its size in a run of this campaign.
        in_ci: whether `.ci/run` may choose it: it takes less than three minutes.
        least: the smallest size in which it shows what it is there for.
        most: the largest that it knows how to play; none where there is no end.
    """

    proves: str
    of: str
    short: int
    whole: int
    in_ci: bool = True
    least: int = 1
    most: int | None = None


CAMPAIGNS = {
    "caps": Campaign("no cap is passed or left with room while processes die", "attempts", 2000, 10_000, least=500),
    "crowd": Campaign("every promise is kept while services die under many clients", "kills on each bus", 3, 10),
    "fuzz": Campaign(
        "what is answered stands in the OpenAPI document", "requests for each operation", 3, 200, in_ci=False
    ),
    "kills": Campaign(
        "a kill at any step of any service changes nothing", "rounds on each bus", 1, 20, in_ci=False, most=20
    ),
    "ledgers": Campaign("both ledgers are what a simple model says", "sequences of commands", 150, 2000, in_ci=False),
    "sabotage": Campaign("with a guard broken, the same looks find what is lost or doubled", "times", 0, 1, most=1),
    "years": Campaign("what is planned happens once and on its day", "simulated years", 2, 10, most=10),
}
"""Beside these there is the long run with faults on three brokers, `make chaos`, which is a program of its own."""


_chosen: str | None = None
_size: int | None = None


def choose(name: str | None, size: int | None = None) -> None:
    """This run plays one campaign whole (or `EVERY`), in another size where one is given; without a name none is.

    Raises:
        ValueError: there is no such campaign, a size belongs to no single one, or it cannot be played in it.
    """
    global _chosen, _size
    if name not in (None, EVERY, *CAMPAIGNS):
        raise ValueError(f"there is no campaign {name}: {', '.join(CAMPAIGNS)}, chaos (make chaos) or {EVERY}")
    if size is not None:
        if name in (None, EVERY):
            raise ValueError("a size goes with one campaign")
        one = CAMPAIGNS[name]
        if size < one.least or size > (one.most or size):
            upto = f" to {one.most}" if one.most else " on"
            raise ValueError(f"the campaign {name} is played in sizes from {one.least}{upto} ({one.of})")
    _chosen, _size = name, size


def is_whole(name: str) -> bool:
    """Whether this run plays the campaign whole."""
    return _chosen in (EVERY, name)


def size(name: str) -> int:
    """How much of the campaign this run plays."""
    campaign = CAMPAIGNS[name]
    if not is_whole(name):
        return campaign.short
    return campaign.whole if _size is None else _size


def is_played(names: Sequence[str]) -> bool:
    """Whether a test that belongs to these campaigns, or to none, has its turn in this run."""
    if _chosen is None:
        return all(CAMPAIGNS[name].short for name in names)
    return any(is_whole(name) for name in names)


def one_for(commit: str) -> tuple[str, int]:
    """Which campaign `.ci/run` plays whole for a commit, and from which seed."""
    names = sorted(name for name, campaign in CAMPAIGNS.items() if campaign.in_ci)
    number = int.from_bytes(hashlib.sha256(commit.encode()).digest()[:8], "big")
    return names[number % len(names)], number // len(names) % 10_000


if __name__ == "__main__":
    sys.stdout.write("{} {}\n".format(*one_for(sys.argv[1])))
