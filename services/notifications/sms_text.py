"""How many segments an SMS takes (3GPP TS 23.038 and 23.040): what one message costs and how it arrives."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_GSM7_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_EXTENSION = frozenset("\f^{}\\[~]|€")

_GSM7_SINGLE, _GSM7_PART = 160, 153
_UCS2_SINGLE, _UCS2_PART = 70, 67


class Encoding(StrEnum):
    """The alphabet a whole message is sent in; one character outside GSM-7 moves all of it to UCS-2."""

    GSM7 = "gsm-7"
    UCS2 = "ucs-2"


@dataclass(frozen=True)
class SmsSize:
    """`units` are septets in GSM-7 and 16-bit units in UCS-2."""

    encoding: Encoding
    units: int
    segments: int


def size_of(text: str) -> SmsSize:
    """Encoding, length and number of segments of a text; an empty text still takes one segment."""
    if all(sign in _GSM7_BASIC or sign in _GSM7_EXTENSION for sign in text):
        widths = [2 if sign in _GSM7_EXTENSION else 1 for sign in text]
        return SmsSize(Encoding.GSM7, sum(widths), _segments(widths, _GSM7_SINGLE, _GSM7_PART))
    widths = [len(sign.encode("utf-16-be")) // 2 for sign in text]
    return SmsSize(Encoding.UCS2, sum(widths), _segments(widths, _UCS2_SINGLE, _UCS2_PART))


def _segments(widths: Sequence[int], single: int, part: int) -> int:
    """A character of two units (an escape, a surrogate pair) is never cut between two segments."""
    if sum(widths) <= single:
        return 1
    segments, used = 1, 0
    for width in widths:
        if used + width > part:
            segments, used = segments + 1, 0
        used += width
    return segments
