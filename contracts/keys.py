"""What clients' keys are for, and which service makes, reads and erases the keys of each purpose.

The key store grants exactly this by PostgreSQL's own rights (`chassis.key_store`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Purpose(StrEnum):
    """What is sealed under a client's key: every purpose has keys of its own."""

    CONTACTS = "contacts"
    ELIGIBILITY = "eligibility"
    CONCERNS = "concerns"


@dataclass(frozen=True)
class KeyRights:
    """`maker` makes, reads and erases the keys of a purpose; `openers` only read them."""

    maker: str
    openers: frozenset[str] = frozenset()


KEYS: Mapping[Purpose, KeyRights] = {
    Purpose.CONTACTS: KeyRights("decisions", frozenset({"notifications"})),
    Purpose.ELIGIBILITY: KeyRights("decisions", frozenset({"courses"})),
    Purpose.CONCERNS: KeyRights("decisions"),
}
"""Who may do what with the keys of each purpose; a service that is not named has no way into the key store."""


BATCHES_OF = "notifications"
"""The service that seals survey answers in batches: the halves of their keys are no other's (decision record 0030)."""


def users_of_keys() -> list[str]:
    """The services that have a role in the key store."""
    return sorted({name for rights in KEYS.values() for name in (rights.maker, *rights.openers)})


def made_by(service: str) -> list[Purpose]:
    """The purposes whose keys `service` makes and erases."""
    return [purpose for purpose, rights in KEYS.items() if rights.maker == service]


def opened_by(service: str) -> list[Purpose]:
    """The purposes whose keys `service` only reads."""
    return [purpose for purpose, rights in KEYS.items() if service in rights.openers]
