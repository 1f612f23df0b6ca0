"""Acts: what the audit says was done, as enums that its writers and its readers share (decision record 0032).

Every service has an enum of the acts it can leave and one of the readings of personal data, in `acts.py`. A route
names those it may leave, in its `openapi_extra`: a service does not start where one of its commands names none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from chassis.auth import Principal

_ACTS, _READ = "x-rekku-acts", "x-rekku-read"
_READING = frozenset({"GET", "HEAD"})


class Act(StrEnum):
    """Parent of a service's acts: something was done. The value is verb and object, such as `pin_client`."""


class Read(StrEnum):
    """Parent of a service's readings: an officer was shown personal data. The value begins with `read_`."""


class ChassisAct(Act):
    """What can be done in every service."""

    DISCARD_DEAD_LETTER = "discard_dead_letter"
    REPLAY_DEAD_LETTER = "replay_dead_letter"
    RETRY_SET_ASIDE = "retry_set_aside"


class ChassisRead(Read):
    """What can be shown of every service."""

    READ_DEAD_LETTER = "read_dead_letter"


FORMER: Mapping[str, Act] = {
    "dead-letter discarded": ChassisAct.DISCARD_DEAD_LETTER,
    "dead-letter replayed": ChassisAct.REPLAY_DEAD_LETTER,
}
"""What rows of before say in the place of an act of the chassis."""


@dataclass(frozen=True)
class Audited:
    """One row of the audit in the making: who did what to which `<kind>:<id>`, and the request it comes from."""

    who: Principal
    act: Act | Read
    subject: str
    detail: Mapping[str, Any]
    route: str | None
    trace_id: str | None

    def row(self, at: datetime) -> tuple[object, ...]:
        """As PostgreSQL's type `act_row` has it."""
        who = self.who
        done = at, who.subject, who.role.value, who.provider_id, self.act.value, self.subject, self.detail
        return (*done, self.route, self.trace_id)


class UnnamedAct(TypeError):
    """A command does not say what it does."""


def does(*acts: Act) -> dict[str, Any]:
    """The `openapi_extra` of a command: the acts of which it leaves at least one."""
    return {_ACTS: list(acts)}


def shows(read: Read) -> dict[str, Any]:
    """The `openapi_extra` of a query that shows personal data: what is recorded when an officer is shown it."""
    return {_READ: read}


def acts_of(route: APIRoute) -> tuple[Act, ...]:
    """The acts that a route names."""
    return tuple((route.openapi_extra or {}).get(_ACTS, ()))


def read_of(route: APIRoute) -> Read | None:
    """The reading that a route names."""
    read: Read | None = (route.openapi_extra or {}).get(_READ)
    return read


def is_command(route: APIRoute) -> bool:
    """Whether the route may change something for a caller who is known."""
    return not _methods(route) <= _READING and roles_of(route) is not None


def roles_of(route: APIRoute) -> frozenset[str] | None:
    """Who may call a route; None where nobody has to be known, as with survey answers (E-30)."""
    return next((roles for roles in map(_roles, _dependencies(route.dependant)) if roles is not None), None)


def _methods(route: APIRoute) -> set[str]:
    return route.methods or set()


def _roles(dependant: Dependant) -> frozenset[str] | None:
    roles: frozenset[str] | None = getattr(dependant.call, "roles", None)
    return roles


def _dependencies(dependant: Dependant) -> Iterator[Dependant]:
    for inner in dependant.dependencies:
        yield inner
        yield from _dependencies(inner)


class Acts:
    """The acts and readings of one service, the chassis' included, by what rows of the audit say.

    Args:
        name, router: of the service.
        acts, reads: its enums.
        former: what rows of before say in the place of an act.

    Attributes:
        commands: the acts that each command may leave, by its method and address as the audit has them.
    """

    def __init__(
        self,
        name: str,
        router: APIRouter,
        acts: type[Act] | None = None,
        reads: type[Read] | None = None,
        former: Mapping[str, Act] = MappingProxyType({}),
    ) -> None:
        self._service, self._acts, self._reads = name, acts, reads
        self._routes = list(_routes_of(router))
        kinds = [kind for kind in (ChassisAct, ChassisRead, acts, reads) if kind is not None]
        self._named: dict[str, Act | Read] = {member.value: member for kind in kinds for member in kind}
        self.commands: dict[str, tuple[Act, ...]] = {
            f"{method} {route.path}": acts_of(route)
            for route in self._routes
            if acts_of(route)
            for method in _methods(route)
        }
        self._former = {**FORMER, **former, **{route: acts[0] for route, acts in self.commands.items()}}

    @property
    def reads(self) -> list[str]:
        """The values of all readings."""
        return [name for name, member in self._named.items() if isinstance(member, Read)]

    def __iter__(self) -> Iterator[Act | Read]:
        return iter(self._named.values())

    def find(self, action: str) -> Act | Read | None:
        """What a row says was done; of rows of before too, which name a route or an act by an older name."""
        return self._named.get(action) or self._former.get(action)

    def require_named(self) -> None:
        """See that every command says what it does.

        Raises:
            UnnamedAct: a command names no act, or what a route names is not the service's.
        """
        for route in self._routes:
            acts, read = acts_of(route), read_of(route)
            if is_command(route) is not bool(acts) or (read is not None and is_command(route)):
                raise UnnamedAct(f"{self._service}: {sorted(_methods(route))} {route.path} does not name its act")
            if {type(act) for act in acts} - {self._acts} or (read is not None and type(read) is not self._reads):
                raise UnnamedAct(f"{self._service}: {sorted(_methods(route))} {route.path} names what is not its own")


def _routes_of(router: APIRouter) -> Iterator[APIRoute]:
    found = (context.original_route for context in iter_route_contexts(router.routes))
    return (route for route in found if isinstance(route, APIRoute))


def subject_in(path: str, parameters: Mapping[str, Any]) -> str:
    """What an address is about, as `kind:id`: its first parameter, else the list that it names."""
    for name, value in parameters.items():
        return f"{name.removesuffix('_id').removesuffix('_ref').replace('_', '-')}:{value}"
    return f"list:{path.strip('/')}"
