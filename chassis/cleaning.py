"""What people write and paste, as the one value that is stored: a function for each kind of value.

Each takes any text and returns the same value for every usual spelling of it, that value itself included, or
raises `Invalid` with a code of its kind; a wrong check digit has another code than a wrong form.
Only what cannot carry meaning is dropped: spaces, separators and what nobody sees. `chassis.fields` has the types
of requests on top.
"""

import re
import unicodedata
from collections.abc import Callable
from urllib.parse import urlsplit

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from stdnum import iban as stdnum_iban
from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.fi import ytunnus
from stdnum.iso7064 import mod_37_36, mod_97_10

from contracts.characters import BIDIRECTIONAL, BLANKS, composed, is_dash, is_overmarked, is_unseen, seen, trimmed
from contracts.refusals import Invalid

OLDEST = 120
"""The highest age in years."""

_MOST_AROUND, _MOST_SPELT = 1000, 4
"""Characters that are read of a text: those around and between, and for each that is stored."""

_LINE_ENDS = re.compile("\r\n|[\v\f\r\x85\u2028\u2029]")
_FULL_WIDTH, _NARROWED_BY = range(0xFF01, 0xFF5F), 0xFEE0
_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
_HOME_REGION = "FI"
_WEIGHTS = (7, 3, 1)

_BUSINESS_ID = re.compile(r"(?:FI-?)?([0-9]{7})-?([0-9])", re.IGNORECASE | re.ASCII)
_PHONE = re.compile(r"(?:tel: ?)?(\(?\+?[0-9][0-9 ().-]*(?:/[0-9 ().-]+)*)", re.IGNORECASE | re.ASCII)
_SPELT_AS_CODE = re.compile(r"(?:tel: ?)?[0-9]{6} ?[^0-9 ] ?[0-9]{4}", re.IGNORECASE)
_WEB = re.compile(r"(https?://)([^/?#]+.*)", re.IGNORECASE)
_LABEL = r"[^\W_](?:(?:[^\W_]|-){0,61}[^\W_])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)+(?![0-9]+$){_LABEL}")
_LONGEST_HOST = 253
_NOT_IN_WEB = BLANKS | frozenset('"<>\\^`{|} ')
_DECISION_REF = re.compile(r"[0-9A-Z]{13}", re.IGNORECASE | re.ASCII)
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}", re.IGNORECASE | re.ASCII)
_REFERENCE = re.compile(r"RF[0-9]{2}[0-9A-Z]{1,21}|[0-9]{4,20}", re.IGNORECASE | re.ASCII)
_MUNICIPALITY_CODE = re.compile(r"[0-9]{1,3}")
_AGE = re.compile(r"([0-9]{1,60})(?:[ -]?(?:v\.?|vuotta|vuotias|år|åring|years?|years old))?", re.IGNORECASE)
_PART_OF_A_YEAR = re.compile(r"[0-9]{1,9}(?:[.,][0-9]+| ?[¼½¾]| [0-9]+/[0-9]+)(?: ?\D.*)?")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,19}")


def plain(raw: str) -> str:
    """`raw` in the characters of a keyboard: every dash and space as one, nothing invisible, full width narrowed."""
    return composed(" ".join("".join(map(_plain, raw)).split()))


def _plain(character: str) -> str:
    if ord(character) in _FULL_WIDTH:
        return chr(ord(character) - _NARROWED_BY)
    if is_unseen(character):
        return ""
    return "-" if is_dash(character) else character


def text(raw: str, *, longest: int, shortest: int = 1, lines: bool = False) -> str:
    """Words for people: NFC and trimmed, without what takes no room; `lines` keeps line breaks and tabs.

    Joiners of zero width are dropped as well: no word of Finnish, Swedish or English needs one.

    Args:
        raw: as it was written.
        longest, shortest: in characters of the result.
        lines: whether it may have several lines.

    Raises:
        Invalid: TEXT_EMPTY where nothing of it is visible, TEXT_TOO_SHORT, TEXT_TOO_LONG, TEXT_BIDIRECTIONAL where
            it has controls that make it read otherwise than it is stored, TEXT_CONTROL_CHARACTER,
            TEXT_OVERMARKED where more combining marks stand in a row than any language writes.
    """
    if is_too_long(raw, longest):
        raise Invalid("TEXT_TOO_LONG", longest=longest)
    within = trimmed(raw)
    words = seen(within)
    if is_overmarked(words):
        raise Invalid("TEXT_OVERMARKED")
    words = composed(words)
    if lines:
        words = _LINE_ENDS.sub("\n", words)
    if not any(map(_is_visible, words)):
        raise Invalid("TEXT_EMPTY")
    if not BIDIRECTIONAL.isdisjoint(within):
        raise Invalid("TEXT_BIDIRECTIONAL")
    if any(_is_control(character) for character in words if not (lines and character in "\n\t")):
        raise Invalid("TEXT_CONTROL_CHARACTER")
    if len(words) < shortest:
        raise Invalid("TEXT_TOO_SHORT", shortest=shortest)
    if len(words) > longest:
        raise Invalid("TEXT_TOO_LONG", longest=longest)
    return words


def is_too_long(raw: str, longest: int) -> bool:
    """Whether nothing is looked at, as no usual spelling of a value of `longest` characters takes so many."""
    return len(raw) > _MOST_AROUND + _MOST_SPELT * longest


def _is_visible(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNPS" and character not in BLANKS


def _is_control(character: str) -> bool:
    """Controls, line and paragraph separators, halves of surrogate pairs, and what is no character at all."""
    number = ord(character)
    is_none = number & 0xFFFE == 0xFFFE or 0xFDD0 <= number <= 0xFDEF
    return is_none or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


def business_id(raw: str) -> str:
    """A business ID (Y-tunnus) as `2828286-3`; a VAT number is understood.

    Raises:
        Invalid: BUSINESS_ID_INVALID, BUSINESS_ID_CHECK_DIGIT.
    """
    found = _BUSINESS_ID.fullmatch(plain(raw).replace(" ", ""))
    if found is None:
        raise Invalid("BUSINESS_ID_INVALID")
    number = found[1] + found[2]
    _checked(ytunnus.validate, number, "BUSINESS_ID_INVALID", "BUSINESS_ID_CHECK_DIGIT")
    return str(ytunnus.format(number))


def is_business_id(value: object) -> bool:
    """Whether `value` is a business ID in the form in which `business_id` returns it."""
    try:
        return isinstance(value, str) and business_id(value) == value
    except Invalid:
        return False


def phone(raw: str) -> str:
    """A phone number in E.164; without a country code it is Finnish. Letters and extensions are not dropped.

    Raises:
        Invalid: PHONE_INVALID.
    """
    found = _PHONE.fullmatch(plain(raw))
    if found is None or not _is_one_number(found[1]):
        raise Invalid("PHONE_INVALID")
    try:
        number = phonenumbers.parse(re.sub(r"[^+0-9]", "", found[1]), _HOME_REGION)
    except phonenumbers.NumberParseException as error:
        raise Invalid("PHONE_INVALID") from error
    if not phonenumbers.is_valid_number(number):
        raise Invalid("PHONE_INVALID")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def is_phone(raw: str) -> bool:
    """Whether all of it is a phone number, and not spelt as a personal identity code is: a sign behind six digits.

    Every hundredth number in national form reads like a code whose separator is missing or a space (E-59).
    """
    try:
        return bool(phone(raw)) and not _SPELT_AS_CODE.fullmatch(plain(raw))
    except Invalid:
        return False


def _is_one_number(written: str) -> bool:
    """Parentheses close, and what follows a slash is long enough not to be another number's ending or an extension."""
    closed = re.sub(r"\(\+?[0-9 ]+\)", "", written)
    groups = [re.sub(r"\D", "", group) for group in written.split("/")]
    return not set("()") & set(closed) and all(len(group) >= 3 for group in groups[1:])


def mobile(raw: str) -> str:
    """The number of a mobile phone, which can take an SMS, in E.164 (E-69).

    Raises:
        Invalid: PHONE_INVALID; NOT_MOBILE for any other number.
    """
    number = phone(raw)
    if phonenumbers.number_type(phonenumbers.parse(number)) not in _MOBILE:
        raise Invalid("NOT_MOBILE")
    return number


def is_e164(number: str) -> bool:
    """Whether a stored number has the form in which `phone` returns numbers."""
    return re.fullmatch(r"\+[1-9][0-9]{6,14}", number) is not None


def email(raw: str) -> str:
    """An e-mail address; its domain in lower case, an internationalised one in its own letters.

    Raises:
        Invalid: EMAIL_INVALID.
    """
    address = seen(raw).strip()
    if is_overmarked(address):
        raise Invalid("EMAIL_INVALID")
    try:
        checked = validate_email(
            re.sub(r"^mailto:", "", address, flags=re.IGNORECASE),
            strict=True,
            allow_smtputf8=False,
            allow_quoted_local=False,
            allow_display_name=False,
            allow_domain_literal=False,
            check_deliverability=False,
        )
    except EmailNotValidError as error:
        raise Invalid("EMAIL_INVALID") from error
    return checked.normalized


def web(raw: str) -> str:
    """The address of a web page; its scheme in lower case.

    Nothing is dropped inside it, as another address could be meant: spaces and what nobody sees are refused, and so
    is a name before the host, with which an address looks like another's, and a host that is no name of the DNS.

    Raises:
        Invalid: WEB_INVALID.
    """
    address = composed(trimmed(raw))
    found = _WEB.fullmatch(address)
    if found is None or is_overmarked(address) or not _is_seen(address) or not _NOT_IN_WEB.isdisjoint(address):
        raise Invalid("WEB_INVALID")
    if not _is_host(found[2]):
        raise Invalid("WEB_INVALID")
    return f"{found[1].lower()}{found[2]}"


def _is_seen(line: str) -> bool:
    return line.isprintable() and not any(map(is_unseen, line))


def _is_host(written: str) -> bool:
    try:
        parts = urlsplit(f"//{written}")
        return _is_name(parts.hostname or "") and "@" not in parts.netloc and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _is_name(host: str) -> bool:
    """A name of labels, the last no number; without what a browser reads as another character (UTS 46)."""
    return len(host) <= _LONGEST_HOST and _HOST.fullmatch(host) is not None and unicodedata.is_normalized("NFKC", host)


def decision_ref(raw: str) -> str:
    """A decision identifier (R-DEC-19): twelve characters and their ISO 7064 MOD 37,36 check character.

    Raises:
        Invalid: DECISION_REF_INVALID, DECISION_REF_CHECK_CHARACTER.
    """
    ref = re.sub("[ -]", "", plain(raw))
    if not _DECISION_REF.fullmatch(ref):
        raise Invalid("DECISION_REF_INVALID")
    _checked(mod_37_36.validate, ref.upper(), "DECISION_REF_INVALID", "DECISION_REF_CHECK_CHARACTER")
    return ref.upper()


def iban(raw: str) -> str:
    """An account number in its electronic form.

    Raises:
        Invalid: IBAN_INVALID, IBAN_CHECK_DIGITS.
    """
    written = re.sub("[ -]", "", plain(raw))
    if not _IBAN.fullmatch(written):
        raise Invalid("IBAN_INVALID")
    account = written.upper()
    # The checksum is looked at first, also where an account number has a digit too many: that is its form.
    rightly = account[:2] + stdnum_iban.calc_check_digits(account) + account[4:]
    _checked(stdnum_iban.validate, rightly, "IBAN_INVALID", "IBAN_INVALID")
    if account != rightly:
        raise Invalid("IBAN_CHECK_DIGITS")
    return account


def reference_number(raw: str) -> str:
    """The reference of a payment: a Finnish one (viitenumero), or an RF creditor reference (ISO 11649).

    Raises:
        Invalid: REFERENCE_NUMBER_INVALID, REFERENCE_NUMBER_CHECK_DIGIT.
    """
    written = plain(raw).replace(" ", "")
    if not _REFERENCE.fullmatch(written):
        raise Invalid("REFERENCE_NUMBER_INVALID")
    reference = written.upper()
    if reference.startswith("RF"):
        fits = reference[2:4] == mod_97_10.calc_check_digits(f"{reference[4:]}RF")
    else:
        weighted = sum(int(digit) * _WEIGHTS[place % 3] for place, digit in enumerate(reversed(reference[:-1])))
        fits = int(reference[-1]) == -weighted % 10
    if not fits:
        raise Invalid("REFERENCE_NUMBER_CHECK_DIGIT")
    return reference


def municipality(raw: str) -> str:
    """What a municipality is looked up by: its code of three digits, or its name as it was written (E-48).

    Raises:
        Invalid: MUNICIPALITY_UNKNOWN where nothing of it is visible, or it has control characters.
    """
    name = plain(raw)
    if not name or not name.isprintable():
        raise Invalid("MUNICIPALITY_UNKNOWN")
    return name.zfill(3) if _MUNICIPALITY_CODE.fullmatch(name) else name


def municipality_code(raw: str) -> str:
    """The three digits of a municipality; whether there is such a one is not looked at.

    Raises:
        Invalid: MUNICIPALITY_UNKNOWN where it is no such code.
    """
    code = municipality(raw)
    if not _MUNICIPALITY_CODE.fullmatch(code):
        raise Invalid("MUNICIPALITY_UNKNOWN")
    return code


def age(raw: str) -> int:
    """An age in whole years.

    Raises:
        Invalid: AGE_INVALID; AGE_NOT_WHOLE for parts of a year; AGE_OUT_OF_RANGE.
    """
    written = plain(raw)
    found = _AGE.fullmatch(written)
    if found is None:
        raise Invalid("AGE_NOT_WHOLE" if _PART_OF_A_YEAR.fullmatch(written) else "AGE_INVALID")
    if int(found[1]) > OLDEST:
        raise Invalid("AGE_OUT_OF_RANGE", oldest=OLDEST)
    return int(found[1])


def whole_number(raw: str) -> int:
    """A number written in digits.

    Raises:
        Invalid: NUMBER_INVALID.
    """
    written = plain(raw)
    if not _WHOLE_NUMBER.fullmatch(written):
        raise Invalid("NUMBER_INVALID")
    return int(written)


def _checked(validate: Callable[[str], str], number: str, wrong_form: str, wrong_check: str) -> None:
    try:
        validate(number)
    except InvalidChecksum as error:
        raise Invalid(wrong_check) from error
    except ValidationError as error:
        raise Invalid(wrong_form) from error
