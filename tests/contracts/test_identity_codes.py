"""A personal identity code is found however it is spelt, and what is none passes (E-59)."""

import re
import unicodedata
from datetime import date
from html import escape
from unittest import mock
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contracts import identity_codes
from contracts.identity_codes import TextKind, control_character, folded, holds_identity_code

DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d\u207b\u2043\u30fc"
SPACES = " \u00a0\u2002\u2009\u202f\u3000\t\n"
UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u202e\u2066\u034f\u0332\u180e\u115f\0"
CENTURIES = "-+ABCDEFUVWXY"
ALPHABETS = ("0123456789", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗", "०१२३४५६७८९")

DATES = st.dates(date(1900, 1, 1), date(2029, 12, 31)).map(lambda born: f"{born:%d%m%y}")
INDIVIDUAL = st.integers(2, 999).map("{:03}".format)
KINDS = st.sampled_from(TextKind)


@st.composite
def codes(draw: st.DrawFn) -> tuple[str, str]:
    """Date of birth, and individual number with its right control character."""
    born, number = draw(DATES), draw(INDIVIDUAL)
    return born, number + control_character(born + number)


@st.composite
def separators(draw: st.DrawFn) -> str:
    """Any dash or space, a century's letter, several of them, or none."""
    return draw(
        st.sampled_from(["", *DASHES, *SPACES, *CENTURIES, "--", " - ", "–A", "- -"])
        | st.text(st.sampled_from(DASHES + SPACES), max_size=5)
    )


@st.composite
def spellings(draw: st.DrawFn) -> str:
    """A right code in some other writing: digits, dashes, what nobody sees, case, glued on letters, encodings."""
    born, rest = draw(codes())
    text = born + draw(separators()) + rest
    alphabet = draw(st.sampled_from(ALPHABETS))
    text = "".join(alphabet[int(each)] if each.isascii() and each.isdigit() else each for each in text)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(UNSEEN)) + text[at:]
    text = draw(st.sampled_from([str, str.lower]))(text)
    text = (
        draw(st.sampled_from(["", "asiakas", "Ä", "tel. ", "x_", "("])) + text + draw(st.sampled_from(["", "on", ")"]))
    )
    for _ in range(draw(st.integers(0, 2))):
        encode = draw(st.sampled_from([quote, escape, as_entities, as_escapes]))
        text = encode(text)
    return text


def as_entities(text: str) -> str:
    return "".join(f"&#{ord(each)};" if each != "\0" else "" for each in text)


def as_escapes(text: str) -> str:
    return "".join(f"\\u{ord(each):04x}" if ord(each) < 0x10000 else each for each in text)


@given(spellings(), KINDS)
def test_a_code_is_found_however_it_is_spelt(text, kind):
    """E-59: any dash or space or none, full-width, invisible characters, any encoding; in texts of every kind."""
    assert holds_identity_code(text, kind)


def test_without_folding_the_spellings_would_pass(monkeypatch):
    """Negative control: it is the folding that finds them."""
    monkeypatch.setattr(identity_codes, "folded", str.upper)
    for spelt in ("131052–308T", "131052\u2011308T", "131052-\u200b308T", "１３１０５２-308T"):
        assert not holds_identity_code(spelt)
    assert holds_identity_code("131052-308T")


@pytest.mark.parametrize(
    "text",
    [
        "131052-308T",
        "131052–308T",
        "131052\u2011308T",
        "131052 308T",
        "131052308T",
        "131052--308T",
        "131052-\u200b308T",
        "131052 -308t",
        "13-10-52 - 308T",
        "1 3 1 0 5 2 3 0 8 T",
        "131052%2D308T",
        "131052%252D308T",
        "131052&ndash;308T",
        "131052&amp;#8211;308T",
        "131052&nbsp;308T",
        "Asiakas131052-308Tsoitti",
        "huone 12 131052-308T",
        "131052A308T",
        "131052Y308T",
        "131052%96308T",
    ],
)
def test_known_spellings_are_found(text):
    """E-59."""
    assert holds_identity_code(text)


@pytest.mark.parametrize(
    "text",
    [
        "250103-0012",
        "040123-4567",
        "lasku 250103-0012, viite 1232, puh. 040 123 4567",
        "Y-tunnus 2828286-9",
        "FI21 1234 5600 0007 85",
        "RF18 5390 0754 7034",
        "2025-03-03 08:00, 12.10.2024–13.10.2024",
        "0131052-3081",
        "",
    ],
)
def test_invoice_numbers_references_and_phones_pass_as_prose(text):
    """E-59: the control character decides."""
    assert not holds_identity_code(text, TextKind.PROSE)
    assert not holds_identity_code(text, TextKind.MACHINE)


@pytest.mark.parametrize("text", ["250103-0012", "040123-4567", "client-131052-3080", "131052 308Ж"])
def test_in_an_identifier_the_shape_is_enough(text):
    """E-59: what names a client, a decision, an application or a subject; a mistyped code is personal data as well."""
    assert holds_identity_code(text, TextKind.IDENTIFIER)
    assert not holds_identity_code(text, TextKind.PROSE)


@given(codes(), st.sampled_from("0123456789ABCDEFHJKLMNPRSTUVWXY"))
def test_another_control_character_is_no_code_in_prose(code, character):
    """E-59."""
    born, rest = code
    assume(character != rest[-1])
    wrong = f"{born}-{rest[:3]}{character}"
    assert not holds_identity_code(wrong, TextKind.PROSE)
    assert not holds_identity_code(wrong, TextKind.MACHINE)
    assert holds_identity_code(wrong, TextKind.IDENTIFIER)


@given(st.uuids(), KINDS)
def test_a_uuid_is_never_taken_for_a_code(uuid, kind):
    """E-59: else one in ten thousand courses, keys and clients could not be named."""
    assert not holds_identity_code(str(uuid), kind)
    assert not holds_identity_code(uuid.hex, kind)


@given(st.binary(min_size=12, max_size=12).map(bytes.hex), KINDS)
def test_other_numbers_in_base_16_are_seldom_taken_for_a_code(number, kind):
    """E-59: identifiers of 24 characters are common; one with a single stretch of digits may be one."""
    runs = re.findall("[0-9]+", number)
    assert not holds_identity_code(number, kind) or len(runs) < 3


def test_but_for_being_a_uuid_it_would_be_taken_for_a_code():
    """Negative control."""
    uuid = "a131052a-308a-4cde-8123-456789abcdef"
    assert not holds_identity_code(uuid, TextKind.IDENTIFIER)
    assert holds_identity_code(uuid[:-1], TextKind.IDENTIFIER)


@given(st.text(st.sampled_from("0123456789 -+AFTy%&;#\\|x"), max_size=24), KINDS)
def test_what_is_passed_by_quickly_would_pass_slowly(text, kind):
    """Most texts are ordinary, and hold too few digits."""
    quickly = holds_identity_code(text, kind)
    with mock.patch.object(identity_codes, "_is_ordinary", return_value=False):
        assert holds_identity_code(text, kind) == quickly


@given(st.text())
def test_any_text_is_judged_and_the_stricter_kind_finds_no_less(text):
    """Never an error, and what is found in prose is found in an identifier."""
    assert holds_identity_code(text, TextKind.IDENTIFIER) or not holds_identity_code(text, TextKind.PROSE)


@given(st.text())
def test_folded_text_has_one_writing_of_digits_dashes_and_spaces(text):
    """E-59."""
    for character in folded(text):
        kind = unicodedata.category(character)
        assert kind not in ("Cc", "Cf")
        assert kind != "Nd" or character in "0123456789"
        assert kind != "Pd" or character == "-"
        assert not character.isspace() or character == " "


def test_a_long_text_is_judged_at_once():
    """No spelling makes the search wander: the longest body of separators, of digits, of entities."""
    for long in ("131052" + " " * 60_000, "1310520" * 9_000, "&#45;" * 13_000, "\ufdfa" * 21_000, "0" + "A" * 60_000):
        assert not holds_identity_code(long, TextKind.IDENTIFIER)
