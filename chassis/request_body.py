"""The body of a request is read once: what is checked is what the handler gets, is stored and is answered."""

import json
from dataclasses import dataclass
from enum import Enum
from math import isfinite
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.types import Receive

from contracts.refusals import Refusal

BODY = "rekku.body"
"""Where a request's scope holds its `Body`."""

MOST_BYTES = 65_536
_DEEPEST = 32
_MOST_DIGITS = 20
_MOST_FIELDS = 100
_UTF_8 = frozenset({"", "utf-8", "utf8"})


class BodyKind(Enum):
    """What a body is, by its media type."""

    NONE = "none"
    JSON = "json"
    FORM = "form"
    XML = "xml"


@dataclass(frozen=True)
class Body:
    """A body as it was read: `content` is what every reader of the request gets in its place.

    `value` is the JSON value, or the fields of a form as (name, value) pairs. XML says itself how it is
    encoded; who takes it reads it, once (E-59).
    """

    kind: BodyKind
    content: bytes = b""
    value: Any = None


class BodyRefused(Refusal):
    """The body cannot be read, whatever it was to say."""


class Malformed(BodyRefused):
    """MALFORMED_BODY with `why`: not_utf_8, not_json, too_deep, number_too_long, too_many_fields."""

    status = 400

    def __init__(self, why: str) -> None:
        super().__init__("MALFORMED_BODY", why=why)


class TooLarge(BodyRefused):
    """BODY_TOO_LARGE."""

    status = 413

    def __init__(self) -> None:
        super().__init__("BODY_TOO_LARGE", allowed_bytes=MOST_BYTES)


class UnsupportedMediaType(BodyRefused):
    """UNSUPPORTED_MEDIA_TYPE: neither JSON, nor a form, nor XML; encoded otherwise than in UTF-8; or compressed."""

    status = 415

    def __init__(self) -> None:
        super().__init__("UNSUPPORTED_MEDIA_TYPE")


class HalfARequest(Exception):
    """The connection ended before the body did: there is no request, and nobody to answer."""


async def receive_whole(receive: Receive) -> bytes:
    """All bytes of a body.

    Raises:
        HalfARequest: the connection ended before the announced length or the last chunk.
        TooLarge: more than MOST_BYTES.
    """
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HalfARequest
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BYTES:
            raise TooLarge
        more = message.get("more_body", False)
    return b"".join(parts)


def read_body(sent: bytes, content_type: str, content_encoding: str = "") -> Body:
    """What the bytes say, by their media type; `content` says the same, and nothing else.

    Raises:
        Malformed: it is no such thing.
        UnsupportedMediaType: it is something else.
    """
    if not sent:
        return Body(BodyKind.NONE)
    media_type, _, parameters = content_type.partition(";")
    media_type = media_type.strip().lower()
    if content_encoding.strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType
    if media_type in ("application/xml", "text/xml"):
        return Body(BodyKind.XML, sent)
    if _charset(parameters) not in _UTF_8:
        raise UnsupportedMediaType
    if media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json")):
        return _read_json(_text(sent))
    if media_type == "application/x-www-form-urlencoded":
        return _read_form(_text(sent))
    raise UnsupportedMediaType


def _charset(parameters: str) -> str:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return ""


def _text(sent: bytes) -> str:
    try:
        return sent.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed("not_utf_8") from error


def _read_json(text: str) -> Body:
    try:
        value = _DECODER.decode(text)
    except RecursionError as error:
        raise Malformed("too_deep") from error
    except ValueError as error:
        raise Malformed("not_json") from error
    if _is_too_deep(value):
        raise Malformed("too_deep")
    try:
        content = _ENCODER.encode(value).encode()
    except UnicodeEncodeError as error:  # half a surrogate pair, written as an escape
        raise Malformed("not_utf_8") from error
    return Body(BodyKind.JSON, content, value)


def _read_form(text: str) -> Body:
    try:
        fields = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except UnicodeDecodeError as error:
        raise Malformed("not_utf_8") from error
    except ValueError as error:
        raise Malformed("too_many_fields") from error
    return Body(BodyKind.FORM, urlencode(fields).encode(), fields)


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def _whole_number(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise Malformed("number_too_long")
    return int(digits)


def _real_number(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise Malformed("number_too_long")
    return number


def _no_number(_: str) -> None:
    raise Malformed("not_json")


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_int=_whole_number, parse_float=_real_number, parse_constant=_no_number)
