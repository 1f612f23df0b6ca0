"""SMS segments (3GPP TS 23.038): what a text costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.sms_text import Encoding, size_of

GSM7 = st.text(alphabet="abcdefghijklmnopqrstuvwxyzåäöÅÄÖ 0123456789@£_-:/.?", max_size=700)
EXTENDED = st.text(alphabet="aåö€[]{}|~^\\", max_size=700)


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", Encoding.GSM7, 0, 1),
        ("a" * 160, Encoding.GSM7, 160, 1),
        ("a" * 161, Encoding.GSM7, 161, 2),
        ("a" * 306, Encoding.GSM7, 306, 2),
        ("a" * 307, Encoding.GSM7, 307, 3),
        ("ä" * 160, Encoding.GSM7, 160, 1),
        ("€" * 80, Encoding.GSM7, 160, 1),
        ("€" * 81, Encoding.GSM7, 162, 2),
        ("a" * 152 + "€" + "a" * 152, Encoding.GSM7, 306, 3),  # the escape moves into the second segment
        ("ő" * 70, Encoding.UCS2, 70, 1),
        ("ő" * 71, Encoding.UCS2, 71, 2),
        ("😀" * 35, Encoding.UCS2, 70, 1),
        ("😀" * 36, Encoding.UCS2, 72, 2),
        ("a" * 66 + "😀" + "a" * 67, Encoding.UCS2, 135, 3),  # a surrogate pair is not cut
    ],
)
def test_known_sizes(text, encoding, units, segments):
    size = size_of(text)
    assert (size.encoding, size.units, size.segments) == (encoding, units, segments)


@given(GSM7)
def test_plain_texts_fill_segments_of_160_or_153(text):
    size = size_of(text)
    assert size.encoding is Encoding.GSM7
    assert size.units == len(text)
    assert size.segments == (1 if len(text) <= 160 else -(-len(text) // 153))


@given(EXTENDED)
def test_escapes_cost_two_and_waste_at_most_one_unit_a_segment(text):
    size = size_of(text)
    assert size.units == len(text) + sum(sign in "€[]{}|~^\\" for sign in text)
    if size.units > 160:
        assert -(-size.units // 153) <= size.segments <= -(-size.units // 152)


@given(st.text(max_size=300), st.text(max_size=50))
def test_a_longer_text_never_takes_fewer_segments(text, more):
    assert size_of(text + more).segments >= size_of(text).segments
    assert size_of(text).segments >= 1


@given(st.text(max_size=300))
def test_ucs2_counts_utf_16_units(text):
    size = size_of(text + "ő")
    assert size.encoding is Encoding.UCS2
    assert size.units == len((text + "ő").encode("utf-16-be", "surrogatepass")) // 2
