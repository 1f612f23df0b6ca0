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
SIGNS = "./_·:,;=|*~•"
UNSEEN = (
    "\u200b\u200c\u200d\u2060\ufeff\u00ad\u202e\u2066\u034f\u0332\u180e\u115f\0\U000e0001\U000e0002\U000e0033\U000e007f"
)
CENTURIES = "-+ABCDEFUVWXY"
LOOK_ALIKES = {
    "A": "АΑаα",
    "B": "ВΒв",
    "C": "СϹсϲ",
    "D": "ԁ",
    "E": "ЕΕе",
    "F": "Ϝ",
    "H": "НΗ",
    "J": "Јј",
    "K": "КΚкκ",
    "M": "МΜм",
    "N": "Ν",
    "P": "РΡрρ",
    "S": "Ѕѕ",
    "T": "ТΤт",
    "U": "υ",
    "V": "νѵ",
    "W": "Ԝԝ",
    "X": "ХΧхχ",
    "Y": "УΥуҮ",
}
"""Cyrillic and Greek letters that look like those of a code."""
ALPHABETS = (
    "0123456789",
    "０１２３４５６７８９",
    "٠١٢٣٤٥٦٧٨٩",
    "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
    "०१२३४५६७८९",
    "⓿❶❷❸❹❺❻❼❽❾",
    "⓪①②③④⑤⑥⑦⑧⑨",
    "⓪➀➁➂➃➄➅➆➇➈",
    "⓪⓵⓶⓷⓸⓹⓺⓻⓼⓽",
)

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
    """Any dash, space or other sign, a century's letter, several of them, or none."""
    sign = draw(st.sampled_from(SIGNS))
    return draw(
        st.sampled_from(["", *DASHES, *SPACES, *CENTURIES, "--", " - ", "–A", "- -", sign, f" {sign}", f"{sign} "])
        | st.text(st.sampled_from(DASHES + SPACES), max_size=5)
    )


@st.composite
def spellings(draw: st.DrawFn) -> str:
    """A right code in some other writing: digits, dashes, what nobody sees, case, look-alikes, encodings, in prose."""
    born, rest = draw(codes())
    text = draw(st.sampled_from([str, str.lower]))(born + draw(separators()) + rest)
    if draw(st.booleans()):
        text = "".join(draw(st.sampled_from(LOOK_ALIKES.get(each.upper(), each))) for each in text)
    alphabet = draw(st.sampled_from(ALPHABETS))
    text = "".join(alphabet[int(each)] if each.isascii() and each.isdigit() else each for each in text)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(UNSEEN)) + text[at:]
    text = draw(BEFORE) + text + draw(st.sampled_from(["", "on", ")", " on väärä.", ". Soitto 3.3.", "\n"]))
    for _ in range(draw(st.integers(0, 2))):
        encode = draw(st.sampled_from([quote, escape, as_entities, as_escapes, as_hex_escapes, as_quoted_printable]))
        text = encode(text)
    return text


BEFORE = st.sampled_from(["", "asiakas", "Ä", "tel. ", "x_", "(", "Asiakkaan 3. hetu on ", "klo 12.30: ", "hetu="])


def as_entities(text: str) -> str:
    return "".join(f"&#{ord(each)};" if each != "\0" else "" for each in text)


def as_escapes(text: str) -> str:
    return "".join(f"\\u{ord(each):04x}" if ord(each) < 0x10000 else each for each in text)


def as_hex_escapes(text: str) -> str:
    return "".join(f"\\x{ord(each):02x}" if ord(each) < 0x100 else each for each in text)


def as_quoted_printable(text: str) -> str:
    return "".join(f"={byte:02X}" for byte in text.encode())


@given(spellings(), KINDS)
def test_a_code_is_found_however_it_is_spelt(text, kind):
    """E-59: any dash or space or none, full-width, invisible characters, any encoding; in texts of every kind."""
    assert holds_identity_code(text, kind)


def test_without_folding_the_spellings_would_pass(monkeypatch):
    """Negative control: it is the folding that finds them."""
    monkeypatch.setattr(identity_codes, "folded", str.upper)
    for spelt in ("1310\u200b52-308T", "131052-308Т", "１３１０５２-308T", "131052-308\u0332T"):
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
        *("131052.308T", "131052/308T", "131052_308T", "131052·308T", "131052, 308T", "131052|308T"),
        *("131052=2D308T", "131052=E2=80=93308T", "hetu=131052%2D308T", "131052-3=\n08T"),
        *(r"131052\x2d308T", r"131052\u002d308T", r"131052\u{2d}308T", r"131052\U0000002d308T"),
        *("131052-308Т", "131052-308Τ", "131052А308T", "131052-308т"),
        *("12131052-308T", "0131052.308T", "99131052308T", "asiakas 4131052A308T"),
        *("13.10.52-308T", "13.10.1952-308T", "13.10.1952 308T", "13/10/1952-308T", "13101952-308T", "13. 10. 52-308T"),
        "1.3.52-308D",
        *("❶❸❶⓿❺❷-❸⓿❽T", "13105\U000e00302-308T", "13\U000e0031\U000e00411052-308T"),
        "".join(chr(0xE0000 + ord(each)) for each in "131052-308T"),
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


PROSE = """
Kurssi alkaa 1.3.2026 ja päättyy 30.4.2026; toinen jakso 13.10.52-3 rivillä, kolmas 1.3.2026-30.
Lasku 20250103-0012, päivätty 3.1.2025, eräpäivä 17.1.2025, summa 1 250,00 e (alv 25,5 %).
Puhelin 040 123 4567, vaihde 020 634 1500, kansainvälisesti +358 40 123 4567 tai 00358401234567.
Tilille FI21 1234 5600 0007 85 OKOYFIHH viitteellä RF18 5390 0754 7034, viite 12345 67890 12347.
Vuosina 2021-2023 oli 1 250 asiakasta, 2024 jo 1 311; katso sivut 101-131 ja 250-308.
Avoinna ma-pe 8.00-16.00, la 10-14, 24.12.-6.1. suljettu. Seuraava tapaaminen 13.10.2024 klo 13:10.
13.10.2024–14.10.2024, 12.10.–13.10., 2024-10-13T08:00:00Z, 2025-03-03 08:00:00.123456, 20250303T080000Z.
Y-tunnus 2828286-3, ALV FI28282863, OVT 003728282863, päätös 7ZK3M9QW2XRTC, kunta 091, postinumero 00100.
Osoite: Mannerheimintie 131 A 52, 00250 Helsinki; 60.1699, 24.9384; versio 13.10.52; IP 131.0.52.30.
Asiakkaat nro 131, 052 ja 308. Ryhmä 6-8 henkilöä, ikä 18-67 v. Vastaus 040123-4567 numerosta, ext 131052.
Laskun 311299/1234 hyvitys 311299.1234; tuote 010203_0405; erä 24131052-3080; 131052-308 jäi kesken.
Kurssin hinta 13.10.2024 1200 euroa, toteutuma 13.10.2024, 1250 euroa; maksettu 30.11.2025: 1300 e.
id=13105230-8a1f-4d52-9be1-131052308012&sha=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
Kursen börjar 1.3.2026 kl. 13.10; ring 09-123 4567 eller 0400-123456. The course of 3/10/2026 has 8-12 places.
"""


@pytest.mark.parametrize("line", PROSE.strip().splitlines())
def test_ordinary_prose_with_dates_ranges_and_numbers_passes(line):
    """E-59: a line of each usual kind, and all that stands between its words alone."""
    assert not holds_identity_code(line)
    assert not [word for word in line.split() if holds_identity_code(word)]


def test_a_code_anywhere_in_that_prose_is_found():
    """Negative control of the test above."""
    words = PROSE.split(" ")
    for place in range(len(words)):
        assert holds_identity_code(" ".join([*words[:place], "131052.308T", *words[place:]]))


@given(
    st.from_regex(r"FI[0-9]{16}|RF[0-9]{2}[0-9]{11,21}|[0-9]{11,20}", fullmatch=True),
    st.sampled_from([4, 5, 20]),
    KINDS,
)
def test_a_number_of_more_digits_than_a_code_has_is_none(number, every, kind):
    """Accounts and references of any value, in groups or not: only letters and signs make a part of them a code."""
    assert not holds_identity_code(" ".join(number[at : at + every] for at in range(0, len(number), every)), kind)


@given(codes(), st.from_regex("9[0-9]{0,3}", fullmatch=True), st.sampled_from("-./"))
def test_behind_other_digits_the_control_character_decides(code, digits, sign):
    """E-59: such as the number of a line, or of an invoice; in texts of every kind."""
    born, rest = code
    others = [f"{digits}{born}{sign}{rest[:3]}{each}" for each in "0123456789ABCDEFHJKLMNPRSTUVWXY" if each != rest[3]]
    for kind in TextKind:
        assert holds_identity_code(f"{digits}{born}{sign}{rest}", kind)
        assert not [other for other in others if holds_identity_code(other, kind)]


@pytest.mark.parametrize("text", ["250103-0012", "040123-4567", "client-131052-3080", "131052 308Ж"])
def test_in_an_identifier_the_shape_is_enough(text):
    """E-59: what names a client, a decision, an application or a subject; a mistyped code is personal data as well."""
    assert holds_identity_code(text, TextKind.IDENTIFIER)
    assert not holds_identity_code(text, TextKind.PROSE)


@given(codes(), st.sampled_from("0123456789ABCDEFHJKLMNPRSTUVWXY"), separators(), BEFORE)
def test_another_control_character_is_no_code_in_prose(code, character, separator, before):
    """E-59."""
    born, rest = code
    assume(character != rest[-1])
    wrong = f"{before}{born}{separator}{rest[:3]}{character}"
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


@given(st.text(st.sampled_from("0123456789 -+AFTy%&;#\\|x=._/"), max_size=24), KINDS)
def test_what_is_passed_by_quickly_would_pass_slowly(text, kind):
    """Most texts are ordinary, and hold too few digits."""
    quickly = holds_identity_code(text, kind)
    with mock.patch.object(identity_codes, "_is_ordinary", return_value=False):
        assert holds_identity_code(text, kind) == quickly


@given(spellings().filter(str.isascii), KINDS)
def test_no_spelling_is_passed_by_quickly(text, kind):
    """The same of texts that hold a code."""
    with mock.patch.object(identity_codes, "_is_ordinary", return_value=False):
        assert holds_identity_code(text, kind)
    assert holds_identity_code(text, kind)


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
    for long in (
        "131052" + " " * 60_000,
        "1310520" * 9_000,
        "&#45;" * 13_000,
        "\ufdfa" * 21_000,
        "0" + "A" * 60_000,
        "=" * 60_000,
        "=3D" * 20_000,
        "1." * 30_000,
    ):
        assert not holds_identity_code(long, TextKind.IDENTIFIER)
