"""What single characters are to who reads them: dashes, spaces, and what nobody sees. Pure functions."""

import unicodedata

BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Controls that turn the direction in which what follows is shown."""

BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that are shown as nothing."""

TAGS = range(0xE0000, 0xE0080)
"""Code points of the tags, which nobody sees: each stands for the one of ASCII at the same place."""

_MINUSES = frozenset("\u02d7\u2043\u2212\u30fc\uff70")
_GRAPHEME_JOINER = "\u034f"
_MOST_MARKS = 30
"""In a run. No language writes more (UAX 15, stream-safe text), and composing takes the square of a run."""


def is_dash(character: str) -> bool:
    """Whether it is read as a dash or a minus."""
    return character in _MINUSES or unicodedata.category(character) == "Pd"


def is_unseen(character: str) -> bool:
    """Whether it takes no room: zero-width characters, soft hyphens, controls of direction, tags."""
    return character == _GRAPHEME_JOINER or ord(character) in TAGS or unicodedata.category(character) == "Cf"


def is_overmarked(text: str) -> bool:
    """Whether more combining marks than any language writes stand in a row."""
    if text.isascii():
        return False
    run = 0
    for character in text:
        run = run + 1 if unicodedata.category(character)[0] == "M" else 0
        if run > _MOST_MARKS:
            return True
    return False


def composed(text: str) -> str:
    """`text` in NFC, in time that grows with its length; what is overmarked, and so no value of any kind, as it is."""
    return text if is_overmarked(text) else unicodedata.normalize("NFC", text)


def seen(text: str) -> str:
    """`text` without what takes no room."""
    return text if text.isascii() else "".join(character for character in text if not is_unseen(character))


def trimmed(text: str) -> str:
    """`text` without spaces and what takes no room at either end."""
    return text.strip() if text.isascii() else text[_before(text) : len(text) - _before(text[::-1])]


def _before(text: str) -> int:
    around = (place for place, character in enumerate(text) if not (character.isspace() or is_unseen(character)))
    return next(around, len(text))
