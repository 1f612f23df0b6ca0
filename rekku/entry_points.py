"""Every text that comes into the system: by which service, where, and how surely it must hold a code (E-59)."""

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi.routing import APIRoute, iter_route_contexts

from chassis import claims
from chassis.entry_points import HEADERS, IncomingText, taken_by
from chassis.http import operations
from chassis.service import Service
from contracts.envelope import Event
from contracts.texts import texts_in
from contracts.topics import TOPICS
from rekku.services import SERVICES, load


@dataclass(frozen=True)
class EntryPoint:
    """A text that `service` takes by `door`: a route, a topic's event type, a page's form, every request, a token."""

    service: str
    door: str
    text: IncomingText

    def __str__(self) -> str:
        return f"{self.service}: {self.door}: {self.text}"


@dataclass(frozen=True)
class Consumed:
    """An event type that a service consumes; `owner` examines what it writes, or is outside."""

    service: str
    event: type[Event]
    owner: str

    def __str__(self) -> str:
        return f"{self.service}: {self.event.topic} {self.event.wire_type}: examined where it comes in, by {self.owner}"


def routes_of(service: Service) -> Iterator[tuple[str, APIRoute]]:
    """Every route of a service, its operator's included, with its methods and address."""
    for router in (operations, service.router):
        for context in iter_route_contexts(router.routes):
            route = context.original_route
            if not isinstance(route, APIRoute):
                raise TypeError(f"{service.name} has a route that says nothing of what it takes: {context.path}")
            yield f"{' '.join(sorted(context.methods or ()))} {context.path}", route


def entry_points(service: Service) -> Iterator[EntryPoint]:
    """The texts that a service takes, but those of events of our own."""
    for name, kind in HEADERS.items():
        if kind is not None:
            yield EntryPoint(service.name, "every request", IncomingText("header", (name,), kind))
    for name, kind in claims.KEPT.items():
        yield EntryPoint(service.name, "every token", IncomingText("token", (name,), kind))
    for name, kind in service.form_fields.items():
        yield EntryPoint(service.name, "every page", IncomingText("form", (name,), kind))
    for address, route in routes_of(service):
        for text in taken_by(route).texts:
            yield EntryPoint(service.name, address, text)
    for consumed in consumed_by(service):
        if consumed.owner not in SERVICES:
            for names, kind in texts_in(consumed.event):
                yield EntryPoint(service.name, consumed.event.wire_type, IncomingText("event", names, kind))


def consumed_by(service: Service) -> Iterator[Consumed]:
    """The event types that a service consumes."""
    for event in (*service.reactions, *service.projected):
        yield Consumed(service.name, event, TOPICS[event.topic].owner)


def read_by_themselves(service: Service) -> Iterator[str]:
    """The routes whose body is not JSON: they read it, and examine it, themselves."""
    for address, route in routes_of(service):
        if "requestBody" in (route.openapi_extra or {}):
            yield address


def print_entry_points() -> None:
    """One line for each text that comes in."""
    for service in map(load, SERVICES):
        for point in entry_points(service):
            print(point)
        for address in read_by_themselves(service):
            print(f"{service.name}: {address}: the whole body, examined by the route itself")
        for consumed in consumed_by(service):
            if consumed.owner in SERVICES:
                print(consumed)


if __name__ == "__main__":
    print_entry_points()
