"""Finnish personal identity codes in text, however they are spelt (E-59). Pure functions."""

import re
import unicodedata
from collections.abc import Iterator
from enum import Enum
from functools import lru_cache
from html import unescape
from urllib.parse import unquote

from contracts.characters import BLANKS, TAGS, is_dash, is_unseen
from contracts.refusals import Invalid


class TextKind(Enum):
    """What a text is, which decides how surely it has to hold a code to be refused (E-59).

    Every text that comes in declares its kind, as metadata of its type: `Annotated[str, TextKind.PROSE]`.
    """

    PROSE = "prose"
    """People's own words, names, addresses, invoice numbers, references: the control character decides."""

    PHONE = "phone"
    """Phones: as prose, but what is a phone number as a whole is none, whatever it reads like (`chassis.examining`)."""

    IDENTIFIER = "identifier"
    """Names a client, a decision, an application or the subject of a token: the shape is enough."""

    MACHINE = "machine"
    """Minted by machines, or out of a list of codes: the control character decides."""


_CONTROL_CHARACTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"

_MASK = "\ue000"
_SIGN = rf"(?:_|[^\w{_MASK}])"
_BETWEEN = rf"{_SIGN}{{0,3}}[A-FU-Y]{{0,2}}{_SIGN}{{0,3}}"
_DAY, _MONTH = "(0[1-9]|[12][0-9]|3[01])", "(0[1-9]|1[0-2])"
_DATE = rf"{_DAY}{_MONTH}([0-9]{{2}})"
_LAST = r"([0-9]{3})([0-9](?![0-9])|[^\W\d_])"

_ALONE = re.compile(rf"(?<![0-9])(?={_DATE}{_BETWEEN}{_LAST})")
"""Date, century sign or any other or none or several, individual number, control character: the shape of a code."""

_FULL_DATE = (
    rf"(?:{_DAY}{_MONTH}|([1-9]|{_DAY[1:-1]})(?:\. ?|[/-])([1-9]|{_MONTH[1:-1]})(?:\. ?|[/-]))(?:1[89]|20)?([0-9]{{2}})"
)
_DATED = re.compile(rf"(?<![0-9])(?={_FULL_DATE}(?: ?[-+A-FU-Y] ?{_LAST}|{_BETWEEN}([0-9]{{3}})([^\W\d_])))")
"""The shape of a code whose date is written as one: `13.10.1952-308T`. After a mere space a number is an amount."""

_GLUED = re.compile(rf"(?<=[0-9])(?={_DATE}(?![0-9]{{4}}){_BETWEEN}{_LAST})")
"""What could be a code behind other digits. Not within a run of digits alone: every tenth IBAN would hold one."""

_NUMBERS = re.compile(
    r"(?<![0-9A-Z])(?:[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}"
    r"|[0-9A-F]{32,}|(?=[A-F]*(?:[0-9]+[A-F]+){2}[0-9])[0-9A-F]{16,})(?![0-9A-Z])"
)
"""UUIDs, digests, and shorter ones whose digits are scattered: numbers in base 16.

By chance one in ten thousand has a stretch that reads like a code, one in three hundred a stretch of its shape.
"""

_MAYBE = re.compile(
    r"[%&\\=]|(?:[0-3](?:[-+ ]*[0-9]){5}|[0-9](?:\. ?|[/-])[0-9]{1,2}(?:\. ?|[/-])[0-9]{2,4})"
    r"[\W_]*(?:[A-FU-Ya-fu-y][\W_]*){0,2}[0-9](?:[-+ ]*[0-9]){2}"
)
"""What an ordinary text has to hold to hold a code: a date and three digits with nothing else between, or an encoding.

Most texts do not, and pass three times as fast.
"""

_ENCODING = re.compile(r"[%&\\=]")
_SEPARATORS = re.compile(r"[-+ ]+")
_LOOKS_LIKE = str.maketrans(
    "ΑΒΕΗΚΜΝΡΤΥΧϜϹϲͿνυАВСЕНЈКМРЅТУХҮѴԜԀҺ",
    "ABEHKMNPTYXFCCJVUABCEHJKMPSTYXYVWDH",
)
"""Greek and Cyrillic letters in the shape of a control character or a century sign."""
_TAGS = {tag: tag - TAGS[0] for tag in TAGS}
_BLANKS = BLANKS | {"\ufffd"}
"""U+FFFD stands for bytes that are no text."""
_DROPPED = frozenset({"Cc", "Mn", "Me"})
_ESCAPED = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{0*([0-9A-Fa-f]{1,5})\}|U000([0-9A-Fa-f]{5}))")
_PRINTABLE = re.compile(r"=([0-9A-Fa-f]{2})")
_MOST_ENCODINGS = 4
_SHORTEST = 8
_LONGEST_LIGATURE = 4


class HoldsIdentityCode(Invalid):
    """PERSONAL_IDENTITY_CODE: a text holds one; `field` says where, in names of ours, and never what (E-59)."""

    def __init__(self, field: str) -> None:
        super().__init__("PERSONAL_IDENTITY_CODE", field=field)


def holds_identity_code(text: str, kind: TextKind = TextKind.PROSE) -> bool:
    """True where the text holds a personal identity code, or for an identifier what is shaped like one."""
    if _is_ordinary(text) and (len(text) < _SHORTEST or _MAYBE.search(text) is None):
        return False
    return any(_is_in(encoded, kind) for encoded in _decodings(text))


def _is_ordinary(text: str) -> bool:
    return text.isascii() and text.isprintable()


def folded(text: str) -> str:
    """The text in capitals, with one spelling of each digit, dash and space, and without what nobody sees."""
    if _is_ordinary(text):
        return text.upper()
    return "".join(map(_folded, text)).upper().translate(_LOOKS_LIKE)


def control_character(digits: str) -> str:
    """The control character of nine digits: date of birth and individual number."""
    return _CONTROL_CHARACTERS[int(digits) % len(_CONTROL_CHARACTERS)]


@lru_cache(4096)
def _folded(character: str) -> str:
    """What one character stands for; a ligature of many letters is one sign, so that no text grows."""
    shown = unicodedata.normalize("NFKC", character.translate(_LOOKS_LIKE))
    if len(shown) > _LONGEST_LIGATURE:
        return "|"
    return "".join(map(_one_folded, shown))


def _one_folded(character: str) -> str:
    category = unicodedata.category(character)
    if (digit := unicodedata.digit(character, None)) is not None:
        return str(digit)
    if is_dash(character):
        return "-"
    if character.isspace() or category == "Co":
        return " "
    return "" if category in _DROPPED or character in _BLANKS or is_unseen(character) else character


def _decodings(text: str) -> Iterator[str]:
    """The text as it came, its tags read, and percent-encoding, entities, escapes and quoted-printable undone.

    Encodings are undone in any order.

    Quoted-printable is undone by itself: in `born=131052%2D308T` it would take the day for a character.
    """
    known = fresh = {text}
    yield text
    if not text.isascii():
        yield text.translate(_TAGS)
    if _ENCODING.search(text) is None:
        return
    for _ in range(_MOST_ENCODINGS):
        fresh = {decoded for each in fresh for decoded in (_undone(each), _undone_printable(each))} - known
        yield from fresh
        known = known | fresh


def _undone(text: str) -> str:
    return _ESCAPED.sub(_unescaped, unescape(unquote(text)))


def _unescaped(escaped: re.Match[str]) -> str:
    return chr(int(next(filter(None, escaped.groups())), 16))


def _undone_printable(text: str) -> str:
    return unquote(_PRINTABLE.sub(r"%\1", text.replace("=\r\n", "").replace("=\n", ""))) if "=" in text else text


def _is_in(text: str, kind: TextKind) -> bool:
    """Whether a code stands in a text as it is written, or with dashes and spaces left out anywhere."""
    text = _NUMBERS.sub(_MASK, folded(text))
    shaped = (*_ALONE.finditer(text), *_DATED.finditer(text), *_ALONE.finditer(_SEPARATORS.sub("", text)))
    if kind is TextKind.IDENTIFIER and shaped:
        return True
    return any(map(_is_right, (*shaped, *_GLUED.finditer(text))))


def _is_right(shaped: re.Match[str]) -> bool:
    day, month, *year_and_number, last = filter(None, shaped.groups())
    return control_character("".join((day.zfill(2), month.zfill(2), *year_and_number))) == str(last)
