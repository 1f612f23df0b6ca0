"""Requests that no client of ours sends: one that fits, broken in one place, from its bytes to what it says."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any
from urllib.parse import quote

from tests.fuzz.judging import IDENTITY_CODE

NUL = "a\x00b"
HOSTILE_TEXTS = (
    *("", " ", NUL, "\u202ea", "\u200b", "\ufeff", "\x1b[31m", "\x7f", "%00", "%", "..", "../../etc/passwd"),
    *("x" * 5000, "𝕏" * 300, "' OR 1=1 --", "<script>alert(1)</script>", "{{7*7}}", "${jndi:x}", "１２３", "İ", "ß"),
    *("-1", "0", "1e400", "NaN", "true", "null", "9" * 30, "2024-02-30", "0000-00-00", "9999-12-31", "*", '"', "\\"),
)
FORBIDDEN_TEXTS = (
    IDENTITY_CODE,
    "131052–308T",
    "131052\u2011308T",
    "131\u200b052-308T",
    "131052&#45;308t",
    "１３１０５２－３０８Ｔ",
)
"""What no field of any kind takes: identity codes, however they are written (E-59)."""
_VALUES = (
    *(None, True, 0, -1, 1.0, 0.5, 2**31, 2**63, 10**19, -(10**19), 1e308, [], {}, [[]], {"a": 1}, "\ud800"),
    *HOSTILE_TEXTS,
)
_JSON = b"application/json"


@dataclass(frozen=True)
class Parts:
    """A request in its parts.

    Args:
        path: a route, with its parameters by name.
        values: of these parameters.
        body: of JSON; None where there is none.
    """

    method: str
    path: str
    values: Mapping[str, str]
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None


@dataclass(frozen=True)
class Written:
    """A request as it is sent; `refused` where no answer but a refusal is right."""

    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...]
    content: bytes
    refused: bool = False


def write(parts: Parts, *, refused: bool = False) -> Written:
    """The parts as they are."""
    path = parts.path
    for name, value in parts.values.items():
        path = path.replace("{" + name + "}", quote(value, safe="", errors="surrogatepass"))
    query = "&".join("=".join(quote(each, safe="", errors="surrogatepass") for each in pair) for pair in parts.query)
    content = b"" if parts.body is None else json.dumps(parts.body).encode()
    headers = ((b"content-type", _JSON),) if content else ()
    return Written(parts.method, f"{path}?{query}" if query else path, headers, content, refused)


def broken(parts: Parts, random: Random) -> Written:
    """The request, broken in one place."""
    ways = [way for way, fits in _WAYS if fits(parts)]
    return random.choice(ways)(parts, random)


def put_text(parts: Parts, text: str, random: Random) -> Parts:
    """The request with a text in the place of one of its values."""
    in_query = [replace(parts, query=_with_pair(parts.query, index, text)) for index in range(len(parts.query))]
    # An address without one of its values, or with `..` for it, is that of another route.
    in_path = [
        replace(parts, values={**parts.values, name: " " if text in ("", "..") else text}) for name in parts.values
    ]
    in_body = [replace(parts, body=_with(parts.body, leaf, text)) for leaf in _leaves(parts.body)]
    return random.choice([*in_query, *in_path, *in_body])


def _with_pair(query: tuple[tuple[str, str], ...], index: int, text: str) -> tuple[tuple[str, str], ...]:
    return (*query[:index], (query[index][0], text), *query[index + 1 :])


def _takes_text(parts: Parts) -> bool:
    return bool(parts.values or parts.query or any(True for _ in _leaves(parts.body)))


def _takes_body(parts: Parts) -> bool:
    return parts.body is not None


def _always(_: Parts) -> bool:
    return True


def _hostile(parts: Parts, random: Random) -> Written:
    return write(put_text(parts, random.choice(HOSTILE_TEXTS), random))


def _forbidden(parts: Parts, random: Random) -> Written:
    return write(put_text(parts, random.choice(FORBIDDEN_TEXTS), random), refused=True)


def _of_another_type(parts: Parts, random: Random) -> Written:
    leaves = [*_leaves(parts.body), ()]
    return write(replace(parts, body=_with(parts.body, random.choice(leaves), random.choice(_VALUES))))


def _unknown_parameter(parts: Parts, random: Random) -> Written:
    name = random.choice(("limitt", "", "a" * 300, "ä", NUL, "__proto__", "limit[]"))
    return write(replace(parts, query=(*parts.query, (name, "1"))), refused=True)


def _unknown_field(parts: Parts, random: Random) -> Written:
    name = random.choice(("nobody", "", "a" * 300, "ä", "__class__"))
    body = {**parts.body, name: 1} if isinstance(parts.body, dict) else parts.body
    return write(replace(parts, body=body))


def _twice(parts: Parts, _: Random) -> Written:
    return write(replace(parts, query=(*parts.query, *parts.query)))


def _raw_query(parts: Parts, random: Random) -> Written:
    written = write(replace(parts, query=()))
    raw = random.choice(("%ff=1", "limit=%ff", "=%ED%A0%80", "after=%00", "%", "&&&", "a;b", "after=%"))
    return replace(written, target=f"{written.target}?{raw}")


def unreadable(parts: Parts, random: Random) -> Written:
    """A body that cannot be read, or not as what it says it is."""
    written = write(parts)
    text = written.content.decode() or "{}"
    bodies: Sequence[tuple[bytes, bytes]] = (
        (text[:-1].encode(), _JSON),
        (text.encode("utf-16"), _JSON),
        (text.encode("utf-16-le"), b"application/json; charset=utf-16"),
        (b'{"a": "\xff"}', _JSON),
        (b'{"a": "\xed\xa0\x80"}', _JSON),
        (b'{"a": "\\ud800"}', _JSON),
        (b'{"a": "\x00"}', _JSON),
        (b"[" * 30_000, _JSON),
        (b"[" * 5000 + b"]" * 5000, _JSON),
        (b'{"a":' * 40 + b'"\\u0041"' + b"}" * 40, _JSON),
        (b'{"a": ' + b"9" * 5000 + b"}", _JSON),
        (b'{"a": -' + b"9" * 21 + b"}", _JSON),
        (b'{"a": 1e999}', _JSON),
        (b'{"a": NaN}', _JSON),
        (b"{'a': 1}", _JSON),
        (b"\x00", _JSON),
        (b" " * 70_000, _JSON),
        (text.encode(), b"text/plain"),
        (text.encode(), b"multipart/form-data; boundary=x"),
        (text.encode(), b"application/json; charset=latin-1"),
        (text.encode(), b"\xff\xfe"),
        (b"a=%ff", b"application/x-www-form-urlencoded"),
        (b"&".join([b"a=1"] * 200), b"application/x-www-form-urlencoded"),
    )
    content, media_type = random.choice(bodies)
    return replace(written, content=content, headers=((b"content-type", media_type),), refused=True)


def _other_xml(parts: Parts, random: Random) -> Written:
    """XML where JSON is asked for, or such as nobody should read."""
    texts = (
        b"<a/>",
        b"<a>",
        b"\xff\xfe<a/>",
        b'<?xml version="1.0" encoding="utf-7"?><a/>',
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b"<a>" * 5000,
        b"<a \x00=''/>",
    )
    refused = _takes_body(parts)
    return replace(
        write(parts), content=random.choice(texts), headers=((b"content-type", b"application/xml"),), refused=refused
    )


def _same_bytes(parts: Parts, random: Random) -> Written:
    """A body that says the same, written otherwise."""
    written = write(parts)
    text = written.content.decode()
    content, media_type = random.choice(
        (
            (b"\xef\xbb\xbf" + text.encode(), _JSON),
            (f" \n{text}\t".encode(), b"application/json; charset=UTF-8"),
            (json.dumps(parts.body, ensure_ascii=False).encode("utf-8", "replace"), b"application/JSON"),
            (text.encode(), b"application/merge-patch+json"),
            (b"", _JSON),
        )
    )
    return replace(written, content=content, headers=((b"content-type", media_type),))


def with_odd_header(written: Written, random: Random) -> Written:
    """The request with a header that is broken, or says more than is so."""
    header = random.choice(
        (
            (b"idempotency-key", b"\xff"),
            (b"idempotency-key", b"x" * 129),
            (b"idempotency-key", b""),
            (b"idempotency-key", IDENTITY_CODE.encode()),
            (b"if-match", b"*, *"),
            (b"if-match", b'"9", W/"1"'),
            (b"if-match", b"7"),
            (b"if-match", b'"' + b"9" * 200 + b'"'),
            (b"if-none-match", b'W/"0", *'),
            (b"if-none-match", b"\xe4"),
            (b"rekku-known", b"course:a@999999999999999999"),
            (b"rekku-known", b"course:a@-1"),
            (b"rekku-known", b",,,"),
            (b"rekku-known", b"course:" + IDENTITY_CODE.encode() + b"@1"),
            (b"rekku-known", b", ".join(b"decision:%d@1" % number for number in range(30))),
            (b"accept-language", b"sv;q=x, *"),
            (b"accept-language", b"\xf6"),
            (b"accept", b"image/png"),
            (b"content-encoding", b"gzip"),
            (b"content-length", b"-1"),
            (b"authorization", b"Bearer"),
            (b"authorization", b"Bearer a.b.c"),
            (b"authorization", b"Basic Og=="),
            (b"traceparent", b"00-zz-1-1"),
            (b"tracestate", b"a=" + b"b" * 3000),
            (b"cookie", b"rekku-session=\xff; a"),
            (b"x-forwarded-for", b"1.2.3.4, ::1%lo, \x22"),
            (b"x-csrf-token", b"1"),
        )
    )
    return replace(written, headers=(*written.headers, header))


def _odd_header(parts: Parts, random: Random) -> Written:
    return with_odd_header(write(parts), random)


_WAYS: Sequence[tuple[Callable[[Parts, Random], Written], Callable[[Parts], bool]]] = (
    (_hostile, _takes_text),
    (_hostile, _takes_text),
    (_forbidden, _takes_text),
    (_of_another_type, _takes_body),
    (_of_another_type, _takes_body),
    (_unknown_field, _takes_body),
    (_same_bytes, _takes_body),
    (_unknown_parameter, _always),
    (_raw_query, _always),
    (_twice, lambda parts: bool(parts.query)),
    (unreadable, _always),
    (_other_xml, _always),
    (_odd_header, _always),
    (_odd_header, _always),
)


def _leaves(value: Any, here: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where the single values of a JSON value are."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, (*here, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*here, index))
    elif value is not None or here:
        yield here


def _with(value: Any, where: tuple[str | int, ...], changed: Any) -> Any:
    if not where:
        return changed
    first, *rest = where
    if isinstance(value, Mapping):
        return {**value, first: _with(value[str(first)], tuple(rest), changed)}
    return [_with(inner, tuple(rest), changed) if index == first else inner for index, inner in enumerate(value)]
