"""Where values hold text, and of which kind it is declared to be (E-59)."""

from collections.abc import Iterable, Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, TypeGuard, get_args, get_origin
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from contracts.identity_codes import TextKind

_NO_TEXT = (Enum, int, float, Decimal, date, time, timedelta, UUID, type(None), AwareDatetime)


def texts_in(annotation: Any, metadata: Iterable[Any] = ()) -> Iterator[tuple[tuple[str, ...], TextKind | None]]:
    """The texts that a value of a type may hold: the names of the fields that lead there, and the declared kind.

    Raises:
        TypeError: it is not known of the type whether it holds text.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from texts_in(arguments[0], (*arguments[1:], *metadata))
    elif annotation in (str, Any, object):
        yield (), next(filter(None, map(_kind_in, metadata)), None)
    elif is_model(annotation):
        for name, field in annotation.model_fields.items():
            for names, kind in texts_in(field.annotation, field.metadata):
                yield (field.alias or name, *names), kind
    elif origin is not Literal and arguments:
        for argument in arguments:
            if argument is not Ellipsis:
                yield from texts_in(argument, metadata)
    elif origin is not Literal and not (isinstance(annotation, type) and issubclass(annotation, _NO_TEXT)):
        raise TypeError(f"nobody has said whether {annotation!r} holds text")


def _kind_in(metadata: Any) -> TextKind | None:
    """The kind that a type's metadata declares: itself, or as what a kind of value has."""
    kind = getattr(metadata, "text_kind", metadata)
    return kind if isinstance(kind, TextKind) else None


def names_in(annotation: Any) -> Iterator[str]:
    """The names of all fields of a type, its models' fields included."""
    if is_model(annotation):
        for name, field in annotation.model_fields.items():
            yield field.alias or name
            yield from names_in(field.annotation)
    for argument in get_args(annotation):
        yield from names_in(argument)


def is_model(annotation: Any) -> TypeGuard[type[BaseModel]]:
    """True for a model with fields."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
