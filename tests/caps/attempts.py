"""Which caps there are and who asks of them: the seed says it all."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count

LARGEST = 50
MOST_ASKED = 200
"""As many operations as a history may have."""
AT_ONCE = 4
"""Caps that are asked at the same time: so each has a crowd before it when its last slots go."""
ROOMY = 100_000
AREA, MUNICIPALITY = "08", "837"
_KINDS = (3, 1, 1)
"""How often each kind comes: to wait costs the service twice what a refusal does."""
_FEW = 10
_TOO_MANY = 10
_AGAIN = 0.08
_KNOWN = 0.16
_SOON = 0.05


class Kind(StrEnum):
    """What holds the cap."""

    COUNT = "announced count"
    QUOTA = "quota"
    AREA = "quota of an area"


@dataclass(frozen=True)
class Cap:
    """One cap; `contracts` are those that take from it."""

    name: str
    kind: Kind
    size: int
    service: str
    contracts: tuple[str, ...]


@dataclass(frozen=True)
class Attempt:
    """One application that is sent once; the same application may be sent by another attempt as well."""

    cap: Cap
    number: int
    application_ref: str
    client_ref: str
    contract_id: str


def plan(attempts: int, rng: random.Random, at_once: int = AT_ONCE) -> list[Attempt]:
    """So many attempts in the order they are made: every cap from 1 to 50 in turn, `at_once` at a time.

    Most caps are asked for more than they hold, every tenth for less. Some send an application
    again, soon after; some are clients who have applied before.
    """
    found: list[Attempt] = []
    numbers, caps = count(1), _caps(rng)
    while len(found) < attempts:
        together: list[tuple[float, Attempt]] = []
        for number, cap in (next(caps) for _ in range(at_once)):
            asked = cap.size // 2 + 1 if number % _FEW == 0 else rng.randint(cap.size + _TOO_MANY, MOST_ASKED)
            together += _of_one_cap(cap, min(asked, attempts - len(found) - len(together)), numbers, rng)
        found += [attempt for _, attempt in sorted(together, key=lambda placed: placed[0])]
    return found


def plan_for(caps: Sequence[Cap], asked: int, rng: random.Random) -> list[Attempt]:
    """So many attempts at each of these caps, one cap after the other."""
    numbers = count(1)
    return [
        attempt
        for cap in caps
        for _, attempt in sorted(_of_one_cap(cap, asked, numbers, rng), key=lambda placed: placed[0])
    ]


def _caps(rng: random.Random) -> Iterator[tuple[int, Cap]]:
    for number in count(1):
        if number % LARGEST == 1:
            sizes = rng.sample(range(1, LARGEST + 1), LARGEST)
        size, kind = sizes.pop(), rng.choices(tuple(Kind), _KINDS)[0]
        # Announced counts share services, as contracts do; a quota is a service's.
        service = f"SHARED_{number // 8}" if kind is Kind.COUNT else f"CAPPED_{number}"
        contracts = tuple(f"contract-{number}-{nth}" for nth in range(1 if kind is Kind.COUNT else 3))
        yield number, Cap(f"{kind} {number} of {size}", kind, size, service, contracts)


def _of_one_cap(cap: Cap, asked: int, numbers: Iterator[int], rng: random.Random) -> list[tuple[float, Attempt]]:
    """Attempts with their places in the order."""
    placed: list[tuple[float, Attempt]] = []
    for _ in range(asked):
        number, chance = next(numbers), rng.random()
        place, application_ref, client_ref = rng.random(), f"application-{number}", f"client-{number}"
        contract_id = rng.choice(cap.contracts)
        if placed and chance < _KNOWN:
            before, earlier = rng.choice(placed)
            client_ref = earlier.client_ref
            if chance < _AGAIN:
                place = before + rng.uniform(0, _SOON)
                application_ref, contract_id = earlier.application_ref, earlier.contract_id
        placed.append((place, Attempt(cap, number, application_ref, client_ref, contract_id)))
    return placed
