"""Decision identifiers: opaque, and with a check character (R-DEC-19)."""

from stdnum.iso7064 import mod_37_36

_RANDOM_CHARACTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U
_RANDOM_LENGTH = 12
RANDOM_BITS = _RANDOM_LENGTH * 5


def decision_ref(random_bits: int) -> str:
    """An opaque decision identifier: 12 random characters and an ISO 7064 MOD 37,36 check character (E-59, R-DEC-19).

    Nothing in it comes from the person, the application or the time.
    """
    text = "".join(_RANDOM_CHARACTERS[random_bits >> 5 * place & 31] for place in range(_RANDOM_LENGTH))
    return text + str(mod_37_36.calc_check_digit(text))
