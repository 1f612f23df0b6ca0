"""What people paste: every usual spelling comes to one value, and nothing wrong becomes right."""

import re

import phonenumbers
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from stdnum import iban as stdnum_iban
from stdnum import iso11649
from stdnum.fi import ytunnus
from stdnum.iso7064 import mod_37_36

from chassis import cleaning
from contracts.municipalities import find_municipality, municipalities
from contracts.refusals import Invalid

SPACES = " \u00a0\u202f\u2009\u3000\t"
DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2212\uff0d"
UNSEEN = "\u200b\u200d\u200e\u200f\u202a\u202c\u2060\u2066\u2069\ufeff\u00ad"
DIGITS = "0123456789"
WRITTEN = st.text(st.sampled_from(DIGITS + "ABCFIKRabcfi+()/.,-–  \u00a0\u200b:;#xt"), max_size=24)


def refused(clean, raw):
    """The code that `raw` is refused with, None where it is taken."""
    try:
        clean(raw)
    except Invalid as refusal:
        return refusal.code
    return None


def wide(character):
    return chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else character


@st.composite
def pasted(draw, text, separators=("",), every=1):
    """`text` as it is pasted: in groups, with what nobody sees, in full width, spaces and dashes of any kind."""
    groups = [text[place : place + every] for place in range(0, len(text), every)]
    separator = draw(st.sampled_from(separators))
    for kind, kinds in ((" ", SPACES), ("-", DASHES)):
        separator = separator.replace(kind, draw(st.sampled_from(kinds)))
    spelt = separator.join(groups)
    if draw(st.booleans()):
        spelt = "".join(map(wide, spelt))
    place = draw(st.integers(0, len(spelt)))
    spelt = spelt[:place] + draw(st.sampled_from(["", *UNSEEN])) + spelt[place:]
    return draw(st.text(st.sampled_from(SPACES + UNSEEN), max_size=2)) + spelt + draw(st.sampled_from(["", *SPACES]))


def digits(length):
    return st.text(st.sampled_from(DIGITS), min_size=length, max_size=length)


def with_check_digit(text):
    """`text` with its check digit as a business ID, None where such a number is never given out."""
    return next((f"{text}-{last}" for last in DIGITS if ytunnus.is_valid(text + last)), None)


business_ids = digits(7).map(with_check_digit).filter(bool)
decision_refs = st.text(st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"), min_size=12, max_size=12).map(
    lambda text: text + mod_37_36.calc_check_digit(text)
)
ibans = digits(14).map(lambda bban: f"FI{stdnum_iban.calc_check_digits('FI00' + bban)}{bban}")
mobiles = st.tuples(st.sampled_from(["40", "44", "45", "50"]), digits(7)).map("".join)
references = digits(6).map(
    lambda text: text + next(last for last in DIGITS if refused(cleaning.reference_number, text + last) is None)
)


# Each kind: whatever it takes, it takes again as it is, and so does everything after it.

CLEANERS = (
    cleaning.business_id,
    cleaning.phone,
    cleaning.mobile,
    cleaning.email,
    cleaning.web,
    cleaning.decision_ref,
    cleaning.iban,
    cleaning.reference_number,
    cleaning.municipality,
    cleaning.municipality_code,
    cleaning.plain,
    lambda raw: str(cleaning.age(raw)),
    lambda raw: str(cleaning.whole_number(raw)),
    lambda raw: cleaning.text(raw, longest=40),
    lambda raw: cleaning.text(raw, longest=40, lines=True),
)


@settings(suppress_health_check=[HealthCheck.filter_too_much])  # most texts are of no kind
@given(st.sampled_from(CLEANERS), st.text(max_size=40) | WRITTEN)
@example(cleaning.email, "Info@XN--SYDNKUNTO-X2A.fi")
@example(cleaning.plain, "a\u200b\u0301")
def test_what_is_stored_stays_what_it_is(clean, raw):
    assume(refused(clean, raw) is None)
    assert clean(clean(raw)) == clean(raw)


@given(st.sampled_from(CLEANERS), st.text(max_size=80))
def test_any_text_is_taken_or_refused_with_a_code(clean, raw):
    """Never another error: what the libraries raise ends here."""
    assert re.fullmatch(r"[A-Z_]+", refused(clean, raw) or "TAKEN")


@given(business_ids, st.sampled_from(["", "FI", "fi ", "FI-"]), st.sampled_from(["", "-", " ", " - "]), st.data())
def test_a_business_id_is_one_value(number, prefix, between, data):
    """R-REG-4."""
    spelt = prefix + number.replace("-", between)
    assert cleaning.business_id(data.draw(pasted(spelt))) == number


@given(business_ids, st.integers(1, 9), st.integers(0, 8))
def test_a_wrong_check_digit_of_a_business_id_has_another_code_than_a_wrong_form(number, more, place):
    """R-REG-4."""
    place = place if number[place] != "-" else 8
    wrong = number[:place] + str((int(number[place]) + more) % 10) + number[place + 1 :]
    assert refused(cleaning.business_id, wrong) == "BUSINESS_ID_CHECK_DIGIT"
    for form in (number[1:], number + "0", f"1{number}", number.replace("-", ""[:0]) + "x", f"SE{number}"):
        assert refused(cleaning.business_id, form) == "BUSINESS_ID_INVALID"


@given(
    mobiles,
    st.sampled_from(["+358", "00358", "+358(0)", "+358 (0)", "(+358) ", "0", "tel:+358", "Tel: 0", "00358 (0)"]),
    st.sampled_from([" ", "-", ".", "", "  "]),
    st.booleans(),
    st.data(),
)
def test_a_phone_number_is_one_value(number, country, between, slash, data):
    """E-69: no-break spaces, dashes of any kind, dots, a slash after the area code."""
    rest = between.join([number[2:5], number[5:7], number[7:]])
    spelt = data.draw(pasted(country + number[:2] + ("/" if slash else between) + rest))
    for kind, kinds in ((" ", SPACES), ("-", DASHES)):
        spelt = spelt.replace(kind, data.draw(st.sampled_from(kinds)))
    assert cleaning.phone(spelt) == cleaning.mobile(spelt) == f"+358{number}"


@pytest.mark.parametrize(
    "raw",
    [
        *("", "112", "12345", "+358", "call me", "040", "+358 40 12", "0000000000", "010190-123A"),
        *("0800 KELA12", "040 123 4567 ext. 2", "040 123 4567x2", "040 123 4567;ext=2", "040 123 4567 #2"),
        *("040 123 4567/8", "040 123 4567 / 041 765 4321", "040 123 4567, 041 765 4321", "p. 040 123 4567"),
        *("040+1234567", "++358401234567", "+358 (0 40 1234567", "+358 0) 40 1234567", "٠٤٠١٢٣٤٥٦٧", "040 123½567"),
    ],
)
def test_what_is_no_phone_number_or_more_than_one_is_refused(raw):
    """Letters and extensions are refused, not dropped."""
    assert refused(cleaning.phone, raw) == "PHONE_INVALID"


def test_the_library_alone_would_make_numbers_of_letters_and_drop_extensions():
    """Negative control of the test above."""
    for raw in ("0800 KELA12", "040 123 4567 ext. 2"):
        assert phonenumbers.is_valid_number(phonenumbers.parse(raw, "FI"))


@given(mobiles, st.lists(st.tuples(st.integers(0, 12), WRITTEN.filter(bool)), max_size=2))
def test_no_digit_of_a_phone_number_is_dropped(number, inserted):
    """Whatever else stands among the digits either separates them or refuses the number."""
    raw = f"0{number}"
    for place, more in inserted:
        raw = raw[:place] + more[0] + raw[place:]
    if refused(cleaning.phone, raw):
        return
    assert not re.search(r"[A-Za-z:;#,]", raw)
    written, stored = (re.sub(r"\D", "", each) for each in (cleaning.plain(raw), cleaning.phone(raw)))
    assert written.lstrip("0").removeprefix("358").lstrip("0") in (
        stored,
        stored.removeprefix("358"),
        stored.lstrip("0"),
    )


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_the_numbers_of_every_country_are_taken_and_a_mobile_one_takes_sms(region):
    """E-69: where the number does not tell a mobile phone from another, it is taken."""
    for kind, takes_sms in (
        (phonenumbers.PhoneNumberType.MOBILE, True),
        (phonenumbers.PhoneNumberType.TOLL_FREE, False),
    ):
        number = phonenumbers.example_number_for_type(region, kind)
        if number is None or phonenumbers.number_type(number) is not kind:
            continue
        written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
        assert cleaning.is_e164(cleaning.phone(written))
        assert refused(cleaning.mobile, written) == (None if takes_sms else "NOT_MOBILE")


@pytest.mark.parametrize("raw", ["09 123 4567", "+358 17 123 4567", "020 123 4567", "0800 12345", "+46 8 123 456 78"])
def test_a_number_that_takes_no_sms_is_a_phone_number_and_not_a_mobile_one(raw):
    """E-69."""
    assert refused(cleaning.phone, raw) is None
    assert refused(cleaning.mobile, raw) == "NOT_MOBILE"


@pytest.mark.parametrize("number", ["0401234567", "+0401234567", "+358 40 1234567", "+35840", "", "+358401234567\n"])
def test_only_e164_is_the_form_of_stored_numbers(number):
    assert not cleaning.is_e164(number)
    assert cleaning.is_e164("+358401234567")


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("o'neill@kuntoutus.fi", "o'neill@kuntoutus.fi"),
        ("kurssi+kevat@Sydankunto.FI", "kurssi+kevat@sydankunto.fi"),
        ("info@sydänkunto.fi", "info@sydänkunto.fi"),
        ("info@xn--sydnkunto-x2a.fi", "info@sydänkunto.fi"),
        ("\u200emailto:info@sydankunto.fi\u00a0", "info@sydankunto.fi"),
        ("info\u200b@sydankunto.fi", "info@sydankunto.fi"),
        ("info@kunto.example", "info@kunto.example"),
    ],
)
def test_an_address_is_one_value(raw, stored):
    assert cleaning.email(raw) == stored


@pytest.mark.parametrize(
    "raw",
    [
        *("", "@", "kevät", "a@b", "a@localhost", "a b@kunto.fi", "a@b@kunto.fi", "a@kunto..fi", ".a@kunto.fi"),
        *("Maija <a@kunto.fi>", '"a b"@kunto.fi', "a@[127.0.0.1]", "kevät@kunto.fi", "a@kunto.fi\r\nBcc: c@d.fi"),
        *("a@-kunto.fi", "a" * 65 + "@kunto.fi", "a@" + "b" * 64 + ".fi", "a@kunto.fi, b@kunto.fi"),
    ],
)
def test_what_is_no_address_or_more_than_one_is_refused(raw):
    assert refused(cleaning.email, raw) == "EMAIL_INVALID"


@given(decision_refs, st.sampled_from([1, 3, 4, 13]), st.booleans(), st.data())
def test_a_decision_identifier_is_one_value(ref, every, lower, data):
    """R-DEC-19: lower case, spaces, hyphens, groups."""
    spelt = data.draw(pasted(ref.lower() if lower else ref, ["", " ", "-", " - "], every))
    assert cleaning.decision_ref(spelt) == ref


@given(decision_refs, st.integers(0, 12), st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
def test_a_slip_in_a_decision_identifier_has_another_code_than_a_wrong_form(ref, place, character):
    """R-DEC-19."""
    assume(ref[place] != character)
    wrong = ref[:place] + character + ref[place + 1 :]
    assert refused(cleaning.decision_ref, wrong) == "DECISION_REF_CHECK_CHARACTER"
    for form in ("", ref[1:], f"{ref}0", f"{ref[1:]}ß", f"{ref[1:]}.", f"{ref[1:]}ı"):
        assert refused(cleaning.decision_ref, form) == "DECISION_REF_INVALID"


@given(ibans, st.sampled_from([4, 18]), st.booleans(), st.data())
def test_an_iban_is_one_value(account, every, lower, data):
    spelt = data.draw(pasted(account.lower() if lower else account, ["", " ", "-"], every))
    assert cleaning.iban(spelt) == account


@given(ibans, st.integers(2, 17), st.integers(1, 9))
def test_a_slip_in_an_iban_has_another_code_than_a_wrong_form(account, place, more):
    wrong = account[:place] + str((int(account[place]) + more) % 10) + account[place + 1 :]
    assert refused(cleaning.iban, wrong) == "IBAN_CHECK_DIGITS"
    for form in ("", account[:-1], f"{account}0", f"XX{account[2:]}", f"{account[:-1]}A", account[2:]):
        assert refused(cleaning.iban, form) == "IBAN_INVALID"


@given(references, st.booleans(), st.data())
def test_a_reference_is_one_value(number, rf, data):
    check = next(f"{check:02}" for check in range(2, 99) if iso11649.is_valid(f"RF{check:02}{number}"))
    reference = f"RF{check}{number}" if rf else number
    spelt = data.draw(pasted(data.draw(st.sampled_from([reference, reference.lower()])), ["", " "], 4))
    assert cleaning.reference_number(spelt) == reference


@given(st.integers(100, 10**19 - 1))
def test_one_digit_at_the_end_makes_a_reference_number(number):
    """P11: the check digit of a viitenumero."""
    assert [refused(cleaning.reference_number, f"{number}{digit}") for digit in DIGITS].count(None) == 1


@pytest.mark.parametrize("reference", ["1232", "1234561", "RF18539007547034"])
def test_references_known_to_be_right_are_taken(reference):
    """P11."""
    assert cleaning.reference_number(reference) == reference


@given(references, st.integers(0, 6), st.integers(1, 9))
def test_a_slip_in_a_reference_has_another_code_than_a_wrong_form(number, place, more):
    wrong = number[:place] + str((int(number[place]) + more) % 10) + number[place + 1 :]
    assert refused(cleaning.reference_number, wrong) == "REFERENCE_NUMBER_CHECK_DIGIT"
    assert refused(cleaning.reference_number, f"RF00{number}") == "REFERENCE_NUMBER_CHECK_DIGIT"
    for form in ("", number[:3], f"{number}x", number * 3, "RF", "RF1", f"RF18{'1' * 22}", "١٢٣٢"):
        assert refused(cleaning.reference_number, form) == "REFERENCE_NUMBER_INVALID"


@given(st.sampled_from(sorted(municipalities())), st.data())
def test_a_municipality_is_one_value(code, data):
    """E-48: `91` is `091`."""
    for spelt in (code, code.lstrip("0")):
        raw = data.draw(pasted(spelt))
        assert cleaning.municipality_code(raw) == cleaning.municipality(raw) == code
    name = find_municipality(code).name_fi
    assert cleaning.municipality(data.draw(pasted(name))) == name


@pytest.mark.parametrize("raw", ["", "\u200b", "0911", "Kuopio", "-91", "9 1", "9,1", "٠٩١"])
def test_what_is_no_code_of_a_municipality_is_refused(raw):
    assert refused(cleaning.municipality_code, raw) == "MUNICIPALITY_UNKNOWN"


@given(st.integers(0, 120), st.sampled_from(["", " v", "v", " v.", " vuotta", " år", " years", "-vuotias"]), st.data())
def test_an_age_is_one_value(age, unit, data):
    assert cleaning.age(data.draw(pasted(f"{age}{unit}"))) == age


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        *((raw, "AGE_NOT_WHOLE") for raw in ("68,5", "68.5", "68,5 v", "68½", "68 1/2", "６８，５", "68,0")),
        *((raw, "AGE_INVALID") for raw in ("", "\u200b", "-1", "+67", "1e2", "67 kg", "noin 67", "6 7", "67²", "٣")),
        *((raw, "AGE_OUT_OF_RANGE") for raw in ("121", "999999999", "121 v")),
    ],
)
def test_an_age_that_cannot_be_has_a_code_that_says_why(raw, code):
    assert refused(cleaning.age, raw) == code


@pytest.mark.parametrize("raw", ["", "1.0", "1,0", "+1", "-1", "1e3", "1_000", "true", "9" * 20, "1 000", "²"])
def test_what_is_no_whole_number_is_refused(raw):
    assert refused(cleaning.whole_number, raw) == "NUMBER_INVALID"
    assert [cleaning.whole_number(each) for each in ("0", "10", "１０", " 7\u200b")] == [0, 10, 10, 7]


@pytest.mark.parametrize(
    "value", ["28282863", "FI28282863", " 2828286-3", "2828286–3", "2828286-4", "*", "", None, 7, []]
)
def test_only_the_stored_form_of_a_business_id_is_one(value):
    """R-REG-4: as rows and tokens have it."""
    assert not cleaning.is_business_id(value)
    assert cleaning.is_business_id("2828286-3")
