"""Words for people and web addresses: what is read is what is stored, and nothing that nobody sees."""

import unicodedata
from functools import partial

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chassis import cleaning
from tests.chassis.test_cleaning import SPACES, UNSEEN, refused

words = st.text(max_size=60)


def words_refused(raw, longest=200, **how):
    return refused(partial(cleaning.text, longest=longest, **how), raw)


@given(words, st.booleans())
def test_words_are_stored_as_they_are_read(raw, lines):
    """NFC, nothing unseen at the ends, no control that turns or hides anything."""
    assume(words_refused(raw, lines=lines) is None)
    stored = cleaning.text(raw, longest=200, lines=lines)
    assert unicodedata.is_normalized("NFC", stored)
    assert stored == stored.strip()
    categories = {unicodedata.category(character) for character in stored if character not in "\n\t"}
    assert not categories & {"Cc", "Cf", "Cs", "Zl"}
    assert lines or not set("\n\t") & set(stored)


@given(
    st.text(st.characters(categories=["L", "N"], exclude_characters="\u115f\u1160\u3164\uffa0"), min_size=1), st.data()
)
def test_words_are_one_value_however_they_are_composed_and_whatever_surrounds_them(word, data):
    around = st.text(st.sampled_from(SPACES + UNSEEN), max_size=3)
    composed = unicodedata.normalize(data.draw(st.sampled_from(["NFC", "NFD"])), word)
    raw = data.draw(around) + composed + data.draw(around)
    assert cleaning.text(raw, longest=1000) == unicodedata.normalize("NFC", word)


@given(st.text(st.sampled_from(SPACES + UNSEEN + "\u180e\u3164\u2800\u0301"), max_size=8))
def test_what_nobody_can_see_is_empty(raw):
    assert words_refused(raw) == "TEXT_EMPTY"


@given(words, st.sampled_from("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"), words)
def test_a_control_of_direction_inside_is_refused(before, control, after):
    assert words_refused(f"a{before}{control}{after}b", lines=True) == "TEXT_BIDIRECTIONAL"


@pytest.mark.parametrize("control", ["\x00", "\x07", "\x1b", "\x7f", "\x9f", "\ufffe", "\uffff", "\ufdd0", "\ud800"])
@pytest.mark.parametrize("lines", [False, True])
def test_a_control_character_inside_is_refused(control, lines):
    assert words_refused(f"a{control}b", lines=lines) == "TEXT_CONTROL_CHARACTER"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\x85"])
def test_only_words_of_several_lines_have_line_breaks_and_every_break_is_the_same(end):
    assert cleaning.text(f" a{end}b{end}", longest=60, lines=True) == "a\nb"
    assert words_refused(f"a{end}b") == "TEXT_CONTROL_CHARACTER"


def test_lengths_are_those_of_what_is_stored():
    assert cleaning.text("  abc \u200b", longest=3, shortest=3) == "abc"
    assert words_refused("abcd", longest=3) == "TEXT_TOO_LONG"
    assert words_refused("a\u200b", longest=3, shortest=2) == "TEXT_TOO_SHORT"
    assert cleaning.text("a\u200bb\u200bc", longest=3) == "abc"
    assert cleaning.text("a\u0301" * 3, longest=3) == "á" * 3


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("👩\u200d⚕️ ok", "👩⚕️ ok"),
        ("kun\u00adtou\u200btus\u2060kurs\ufeffsi", "kuntoutuskurssi"),
        ("a\u200b\u0308", "ä"),
        ("naïve a-b", "naïve a-b"),
        ("1\u00a0250 e", "1\u00a0250 e"),
    ],
)
@pytest.mark.parametrize("lines", [False, True])
def test_what_takes_no_room_is_dropped_inside_words_and_nothing_else(raw, stored, lines):
    """Two texts that are read alike are one text; no word of our languages needs a joiner."""
    assert cleaning.text(raw, longest=60, lines=lines) == stored


# Web addresses.


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("https://www.sydankunto.fi/", "https://www.sydankunto.fi/"),
        (" \u200bHTTPS://sydänkunto.fi/kurssit?vuosi=2025#haku\u00a0", "https://sydänkunto.fi/kurssit?vuosi=2025#haku"),
        ("http://sydankunto.fi:8443", "http://sydankunto.fi:8443"),
        (f"https://{'a' * 63}.fi", f"https://{'a' * 63}.fi"),
        ("https://a-1.2.xn--sydnkunto-z2a.fi", "https://a-1.2.xn--sydnkunto-z2a.fi"),
        ("https://sydankunto.fi/@kurssit", "https://sydankunto.fi/@kurssit"),
    ],
)
def test_a_web_address_is_one_value(raw, stored):
    assert cleaning.web(raw) == stored


@pytest.mark.parametrize("character", [*UNSEEN, *SPACES, "\u202e", "\u00a0", "\u2800", "\u3164", "\n", "\0", "\ud800"])
def test_a_web_address_with_what_nobody_sees_inside_is_refused(character):
    assert refused(cleaning.web, f"https://sydan{character}kunto.fi/") == "WEB_INVALID"
    assert refused(cleaning.web, f"https://sydankunto.fi/a{character}b") == "WEB_INVALID"


@pytest.mark.parametrize(
    "raw",
    [
        *("", "https://", "https:///x", "https://?x", "sydankunto.fi", "ftp://sydankunto.fi", "javascript:alert(1)"),
        *("https://kela.fi@sydankunto.fi/", "https://sydankunto.fi:99999/", "https://[::1/", "https://a.fi/<b>"),
        *("https://.", "https://%", "https://a..b", "https://kela.fi\u2044evil.fi", "https://kela.fi\u2215x.fi/"),
        *(
            "https://kela",
            "https://kela.fi.",
            "https://-kela.fi",
            "https://kela-.fi",
            "https://ke_la.fi",
            "https://10.1.1.1",
        ),
        *(
            "https://ｋela.fi",
            "https://kela。fi",
            "https://ke%6ca.fi",
            f"https://{'a' * 64}.fi",
            f"https://{'a.' * 130}fi",
        ),
    ],
)
def test_what_is_no_web_address_or_looks_like_anothers_is_refused(raw):
    assert refused(cleaning.web, raw) == "WEB_INVALID"
