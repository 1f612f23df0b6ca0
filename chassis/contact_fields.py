"""Contact details in requests: what an address or a number may look like."""

from typing import Annotated

import phonenumbers
from pydantic import Field, StringConstraints

from contracts.refusals import Invalid

PRINTABLE = r"^[^\x00-\x1f\x7f]+$"

Email = Annotated[
    str,
    StringConstraints(max_length=254, pattern=r"^[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}$"),
    Field(examples=["kuntoutus@sydankunto.fi"]),
]
Web = Annotated[
    str,
    StringConstraints(max_length=300, pattern=r"^https?://[^\x00-\x20\x7f\"<>\\^`{|}]+$"),
    Field(examples=["https://www.sydankunto.fi/"]),
]
Phone = Annotated[
    str, StringConstraints(min_length=3, max_length=40, pattern=PRINTABLE), Field(examples=["040 123 4567"])
]


def phone_number(text: str) -> str:
    """A phone number as E.164; without a country code it is Finnish.

    Raises:
        Invalid: PHONE_INVALID.
    """
    try:
        number = phonenumbers.parse(text, "FI")
    except phonenumbers.NumberParseException as error:
        raise Invalid("PHONE_INVALID") from error
    if not phonenumbers.is_valid_number(number):
        raise Invalid("PHONE_INVALID")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
