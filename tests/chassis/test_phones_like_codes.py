"""A phone number in national form may read like a personal identity code, and is none in a phone field (E-59)."""

from typing import Annotated

import phonenumbers
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel

from chassis.entry_points import taken_in
from chassis.examining import examine_value
from chassis.fields import MobilePhone, Phone, words
from contracts.identity_codes import HoldsIdentityCode, control_character, holds_identity_code

READ_LIKE_CODES = ["0401123570", "040 112 3570", "040112 3570", "040 1123570", "04 01 12 35 70", " 040\u00a01123570"]
NUMBERS = st.from_regex("0(?:4[0-8]|50)[0-9]{4,8}", fullmatch=True)
FIELDS = st.sampled_from(["phone", "mobile"])


class Written(BaseModel):
    """What somebody writes."""

    phone: Phone
    mobile: MobilePhone
    words: Annotated[str, words(60)]


TAKEN = taken_in(Written)


def refused(field, text):
    try:
        examine_value({field: text}, TAKEN)
    except HoldsIdentityCode:
        return True
    return False


def like_a_code(number):
    """The number with its last digit such that its digits read like a code, where a digit can make it so."""
    control = control_character(number[:9])
    return number[:9] + control if control.isdigit() else number


@given(NUMBERS.map(like_a_code) | NUMBERS, st.data(), FIELDS)
def test_no_valid_mobile_number_in_national_form_is_refused(number, data, field):
    """Spaced or not."""
    assume(phonenumbers.is_valid_number(phonenumbers.parse(number, "FI")))
    spaced = "".join(digit + data.draw(st.sampled_from(["", "", " "])) for digit in number)
    assert not refused(field, spaced)


@pytest.mark.parametrize("number", READ_LIKE_CODES)
def test_in_words_such_a_number_is_refused(number):
    """Negative control: the field decides, and the texts do read like codes."""
    assert holds_identity_code(number)
    assert refused("words", number)
    assert not refused("phone", number)
    assert not refused("mobile", number)


@given(
    st.dates().map(lambda born: f"{born:%d%m%y}"),
    st.integers(2, 999).map("{:03}".format),
    st.sampled_from(["-", "–", "\u2011", "+", "A", " - ", "/", "."]),
    st.sampled_from(["", "040 123 4567, ", "puh. "]),
    FIELDS,
)
def test_a_code_in_a_phone_field_is_refused(born, number, sign, before, field):
    """Also one whose digits would be a phone number's, as it is spelt as a code."""
    assert refused(field, f"{before}{born}{sign}{number}{control_character(born + number)}")


@pytest.mark.parametrize("text", ["131052 308T", "131052308T", "131052 3080", "040112-3570", "tel:040112-3570"])
def test_what_is_no_phone_number_or_spelt_as_a_code_goes_by_the_control_character(text):
    """What reads like a code, and is no whole phone number, is refused."""
    assert refused("phone", text) == holds_identity_code(text)
