"""How an answer is written down to be sealed, and how many are opened together: plain values and pure functions."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from services.notifications.domain import STATEMENTS

BATCH = 5
"""So many answers of an office and service are opened, counted and published together, and never fewer (E-30)."""

MOST_WORDS = 2000
"""How many characters a client may write besides; nobody asks for them yet."""

_LONGEST_CHARACTER = 4  # bytes in UTF-8
_NO_WORDS = 0xFFFF
_FORM_HEAD = struct.Struct(f">B{STATEMENTS}sH")
_FORM = 1
FORM_BYTES = _FORM_HEAD.size + MOST_WORDS * _LONGEST_CHARACTER


@dataclass(frozen=True)
class SurveyAnswer:
    """Scores 1-5 by statement 1-19, and what the client wrote besides, where it was asked for."""

    scores: Mapping[int, int]
    words: str | None = None


def as_form(answer: SurveyAnswer) -> bytes:
    """An answer as `FORM_BYTES` bytes, whatever it says: its length gives nothing away once it is sealed.

    One byte of version; one per statement, 0 where it was not answered; the length of the words in bytes, two
    bytes, 65535 for none; the words in UTF-8; zeros.

    Raises:
        ValueError: there are too many words, or they cannot be written in UTF-8.
    """
    scores = bytes(answer.scores.get(number, 0) for number in range(1, STATEMENTS + 1))
    words = b"" if answer.words is None else answer.words.encode()
    if answer.words is not None and len(answer.words) > MOST_WORDS:
        raise ValueError(f"more than {MOST_WORDS} characters")
    length = _NO_WORDS if answer.words is None else len(words)
    return (_FORM_HEAD.pack(_FORM, scores, length) + words).ljust(FORM_BYTES, b"\0")


def read_form(form: bytes) -> SurveyAnswer:
    """The answer that `as_form` has written.

    Raises:
        ValueError: it is of another version.
    """
    version, scores, length = _FORM_HEAD.unpack_from(form)
    if version != _FORM or len(form) != FORM_BYTES:
        raise ValueError(f"a form of version {version} and {len(form)} bytes cannot be read")
    answered = {number: score for number, score in enumerate(scores, start=1) if score}
    words = form[_FORM_HEAD.size :][:length].decode() if length != _NO_WORDS else None
    return SurveyAnswer(answered, words)
