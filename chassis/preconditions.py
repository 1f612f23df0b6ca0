"""Conditions in request headers: If-Match on versions, If-None-Match on contents (RFC 9110, 13.1)."""

import re

from starlette.datastructures import Headers

from contracts.refusals import IfMatch, Invalid

_VERSION = re.compile(r"0|[1-9][0-9]{0,17}")
_ELEMENT = re.compile(r'[ \t]*+(?:(W/)?"([!#-~\x80-\xff]*)"[ \t]*+)?(?:,|\Z)')
"""One element of a list of entity tags, which may be empty, up to the next comma or the end."""


def joined(headers: Headers, name: str) -> str | None:
    """A header's value; one that was sent in several lines is their list (RFC 9110, 5.3). None where it is absent."""
    values = headers.getlist(name)
    return ", ".join(values) if values else None


def read_if_match(headers: Headers) -> IfMatch | None:
    """The versions that If-Match names; None without one.

    Our tags are versions in quotes. Weak tags, and any other, match nothing here (RFC 9110, 8.8.3.2).

    Raises:
        Invalid: IF_MATCH_INVALID, it is neither `*` nor a list of entity tags.
    """
    header = joined(headers, "if-match")
    if header is None:
        return None
    if header.strip() == "*":
        return IfMatch(None)
    tags = _tags(header)
    if not tags:
        raise Invalid("IF_MATCH_INVALID")
    return IfMatch(frozenset(int(tag) for weak, tag in tags if not weak and _VERSION.fullmatch(tag)))


def is_unchanged(headers: Headers, tag: str) -> bool:
    """Whether If-None-Match names `tag`, given without quotes; whether one is weak makes no difference here."""
    header = joined(headers, "if-none-match")
    return header is not None and (header.strip() == "*" or any(each == tag for _, each in _tags(header)))


def _tags(header: str) -> list[tuple[bool, str]]:
    """The tags of a list, each with whether it is weak; none where the header is no such list."""
    tags, at = [], 0
    while at < len(header):
        element = _ELEMENT.match(header, at)
        if element is None:
            return []
        if element[2] is not None:
            tags.append((element[1] is not None, element[2]))
        at = element.end()
    return tags
