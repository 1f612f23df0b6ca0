"""Finnish personal identity codes in text, however they are spelt (E-59). Pure functions."""

import re
import unicodedata
from collections.abc import Iterator
from enum import Enum
from functools import lru_cache
from html import unescape
from urllib.parse import unquote

from contracts.refusals import Invalid


class TextKind(Enum):
    """What a text is, which decides how surely it has to hold a code to be refused (E-59).

    Every text that comes in declares its kind, as metadata of its type: `Annotated[str, TextKind.PROSE]`.
    """

    PROSE = "prose"
    """People's own words, names, addresses, invoice numbers, references, phones: the control character decides."""

    IDENTIFIER = "identifier"
    """Names a client, a decision, an application or the subject of a token: the shape is enough."""

    MACHINE = "machine"
    """Minted by machines, or out of a list of codes: the control character decides."""


_CONTROL_CHARACTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"

_DATE = r"(?<![0-9])(?=((?:0[1-9]|[12][0-9]|3[01])(?:0[1-9]|1[0-2])[0-9]{2})"
_CODE = re.compile(_DATE + r"[-+ ]{0,3}[A-FU-Y]{0,2}[-+ ]{0,3}([0-9]{3})([0-9](?![0-9])|[^\W\d_]))")
"""Date, century sign or none or several, individual number, control character: within no longer run of digits."""

_NUMBERS = re.compile(
    r"(?<![0-9A-Z])(?:[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}"
    r"|[0-9A-F]{32,}|(?=[A-F]*(?:[0-9]+[A-F]+){2}[0-9])[0-9A-F]{16,})(?![0-9A-Z])"
)
"""UUIDs, digests, and shorter ones whose digits are scattered: numbers in base 16.

By chance one in ten thousand has a stretch that reads like a code, one in three hundred a stretch of its shape.
"""

_MAYBE = re.compile(r"[%&\\]|[0-3](?:[-+ ]*[0-9]){5}(?:[-+ ]*[A-FU-Ya-fu-y]){0,2}(?:[-+ ]*[0-9]){3}")
"""What an ordinary text has to hold to hold a code: nine digits with nothing but separators between, or an encoding."""

_SEPARATORS = re.compile(r"[-+ ]+")
_MINUSES = frozenset("\u02d7\u2043\u2212\u30fc\uff70")
_BLANKS = frozenset("\u115f\u1160\u2800\ufffd")
"""Shown as nothing, and U+FFFD, which stands for bytes that are no text; other such characters have a category."""
_DROPPED = frozenset({"Cc", "Cf", "Mn", "Me"})
_ESCAPED = re.compile(r"\\u([0-9A-Fa-f]{4})")
_MOST_ENCODINGS = 4
_SHORTEST = 10
_LONGEST_LIGATURE = 4


class HoldsIdentityCode(Invalid):
    """PERSONAL_IDENTITY_CODE: a text holds one; `field` says where, in names of ours, and never what (E-59)."""

    def __init__(self, field: str) -> None:
        super().__init__("PERSONAL_IDENTITY_CODE", field=field)


def holds_identity_code(text: str, kind: TextKind = TextKind.PROSE) -> bool:
    """True where the text holds a personal identity code, or for an identifier what is shaped like one."""
    if _is_ordinary(text) and (len(text) < _SHORTEST or _MAYBE.search(text) is None):
        return False
    return any(_is_in(spelt, kind) for encoded in _decodings(text) for spelt in _spellings(encoded))


def _is_ordinary(text: str) -> bool:
    return text.isascii() and text.isprintable()


def folded(text: str) -> str:
    """The text in capitals, with one spelling of each digit, dash and space, and without what nobody sees."""
    if _is_ordinary(text):
        return text.upper()
    return "".join(map(_folded, text)).upper()


def control_character(digits: str) -> str:
    """The control character of nine digits: date of birth and individual number."""
    return _CONTROL_CHARACTERS[int(digits) % len(_CONTROL_CHARACTERS)]


@lru_cache(4096)
def _folded(character: str) -> str:
    """What one character stands for; a ligature of many letters is one sign, so that no text grows."""
    shown = unicodedata.normalize("NFKC", character)
    if len(shown) > _LONGEST_LIGATURE:
        return "|"
    return "".join(map(_one_folded, shown))


def _one_folded(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Pd" or character in _MINUSES:
        return "-"
    if character.isspace():
        return " "
    return "" if category in _DROPPED or character in _BLANKS else character


def _decodings(text: str) -> Iterator[str]:
    """The text as it came, and with percent-encoding, entities and escapes undone, also where laid on twice."""
    yield text
    for _ in range(_MOST_ENCODINGS):
        if "%" not in text and "&" not in text and "\\u" not in text:
            return
        decoded = _ESCAPED.sub(lambda escaped: chr(int(escaped[1], 16)), unescape(unquote(text)))
        if decoded == text:
            return
        text = decoded
        yield text


def _spellings(text: str) -> Iterator[str]:
    """The text folded, and then with dashes and spaces left out anywhere."""
    text = _NUMBERS.sub("|", folded(text))
    yield text
    yield _SEPARATORS.sub("", text)


def _is_in(text: str, kind: TextKind) -> bool:
    found = _CODE.finditer(text)
    if kind is TextKind.IDENTIFIER:
        return any(found)
    return any(match[3] == control_character(match[1] + match[2]) for match in found)
