"""Every field and parameter that the services take, and which kind of value each one is; `python -m` lists them."""

import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from chassis.fields import ISO_DAY, Between, Kind
from chassis.service import Service
from rekku import cli
from rekku.services import SERVICES, load

TEMPLATES = Path(__file__).parents[1] / "services" / "gateway" / "templates"


@dataclass(frozen=True)
class Field:
    """One value that a route takes: where it stands, its type, and what is said of it beside the type."""

    service: str
    route: str
    place: str
    type: Any
    metadata: tuple[Any, ...]

    @property
    def name(self) -> str:
        """The last name on the way to it."""
        return re.split(r"[. ]", self.place.replace(".*", ""))[-1]

    @property
    def kind(self) -> str | None:
        """The kind of value, None where it is of none."""
        return next((each.name for each in self.metadata if isinstance(each, Kind)), None)

    @property
    def has_pattern(self) -> bool:
        """Whether its text is an identifier, a code or an amount."""
        return any(getattr(each, "pattern", None) for each in self.metadata)

    @property
    def is_number_in_digits(self) -> bool:
        """Whether a number of a path or a query is read by the shared type."""
        return any(isinstance(each, Between) for each in self.metadata)

    @property
    def is_iso_day(self) -> bool:
        """Whether it is a day that is read by the shared type."""
        return self.type is date and ISO_DAY in self.metadata

    def __str__(self) -> str:
        return f"{self.service} {self.route} {self.place}"


def fields_of(service: Service) -> Iterator[Field]:
    """Every field that a service takes, those of pages included."""
    for route in _routes(service.router):
        name = f"{min(route.methods)} {route.path}"
        for place in ("path", "query", "header", "cookie", "body"):
            for parameter in _parameters(route.dependant, place):
                where = place if place == "body" else f"{place} {parameter.alias}"
                info = parameter.field_info
                for found in _leaves(where, info.annotation, _flat(info.metadata)):
                    yield Field(service.name, name, *found)


def models_of(service: Service) -> set[type[BaseModel]]:
    """Every model that a part of a request's body is read with."""
    found: set[type[BaseModel]] = set()
    for route in _routes(service.router):
        for parameter in _parameters(route.dependant, "body"):
            _add_models(parameter.field_info.annotation, found)
    return found


def answers_of(service: Service) -> Iterator[Field]:
    """Every field of what a service answers."""
    for route in _routes(service.router):
        for found in _leaves("answer", route.response_model, ()):
            yield Field(service.name, f"{min(route.methods)} {route.path}", *found)


def form_fields() -> set[str]:
    """The names of what is filled in on the gateway's pages."""
    texts = (path.read_text() for path in TEMPLATES.glob("*.html"))
    return {name for text in texts for name in re.findall(r'<(?:input|select|textarea)[^>]* name="([a-z_-]+)', text)}


def arguments() -> Iterator[str]:
    """The arguments of the command line, as `command.argument`."""
    for name, function in inspect.getmembers(cli, inspect.isfunction):
        if function.__module__ == cli.__name__ and not name.startswith("_"):
            yield from (f"{name}.{argument}" for argument in inspect.signature(function).parameters)


def _routes(router: APIRouter) -> Iterator[APIRoute]:
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif isinstance(inner := getattr(route, "original_router", None), APIRouter):
            yield from _routes(inner)


def _parameters(dependant: Dependant, place: str) -> Iterator[Any]:
    yield from getattr(dependant, f"{place}_params")
    for inner in dependant.dependencies:
        yield from _parameters(inner, place)


def _leaves(place: str, annotation: Any, metadata: tuple[Any, ...]) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _leaves(place, args[0], (*_flat(args[1:]), *metadata))
    elif origin in (Union, UnionType):
        for each in args:
            if each is not type(None):
                yield from _leaves(place, each, metadata)
    elif origin in (list, tuple, set, frozenset):
        yield from _leaves(f"{place}.*", args[0], ())
    elif origin is dict:
        yield from _leaves(f"{place}.*", args[0], ())
        yield from _leaves(f"{place}.*", args[1], ())
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, info in annotation.model_fields.items():
            yield from _leaves(f"{place}.{name}", info.annotation, _flat(info.metadata))
    else:
        yield place, annotation, metadata


def _flat(metadata: Any) -> tuple[Any, ...]:
    return tuple(inner for each in metadata for inner in (each.metadata if isinstance(each, FieldInfo) else [each]))


def _add_models(annotation: Any, found: set[type[BaseModel]]) -> None:
    for inner in get_args(annotation):
        _add_models(inner, found)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in found:
        found.add(annotation)
        for info in annotation.model_fields.values():
            _add_models(info.annotation, found)


def main() -> None:
    """Print the fields of every kind."""
    by_kind: dict[str, list[str]] = {}
    for name in SERVICES:
        for field in fields_of(load(name)):
            if field.kind:
                by_kind.setdefault(field.kind, []).append(str(field))
    for kind, fields in sorted(by_kind.items()):
        sys.stdout.write("\n  ".join([f"{kind} ({len(fields)})", *sorted(set(fields))]) + "\n")


if __name__ == "__main__":
    main()
