"""Decision identifiers: opaque, and with a check character (R-DEC-19)."""

from string import ascii_uppercase, digits

_RANDOM_CHARACTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U
_CHECK_CHARACTERS = digits + ascii_uppercase
_RANDOM_LENGTH = 12
RANDOM_BITS = _RANDOM_LENGTH * 5


def decision_ref(random_bits: int) -> str:
    """An opaque decision identifier: 12 random characters and a check character (E-59, R-DEC-19).

    Nothing in it comes from the person, the application or the time.
    """
    text = "".join(_RANDOM_CHARACTERS[random_bits >> 5 * place & 31] for place in range(_RANDOM_LENGTH))
    return text + check_character(text)


def check_character(text: str) -> str:
    """The ISO 7064 MOD 37,36 check character of `text`: any one wrong character is found."""
    return _CHECK_CHARACTERS[(1 - _doubled(_check_sum(text))) % 36]


def is_decision_ref(text: str) -> bool:
    """True where `text` has the shape and the check character of a decision identifier."""
    if len(text) != _RANDOM_LENGTH + 1 or any(character not in _CHECK_CHARACTERS for character in text):
        return False
    return _check_sum(text) == 1


def _check_sum(text: str) -> int:
    check = 18
    for character in text:
        check = (_doubled(check) + _CHECK_CHARACTERS.index(character)) % 36
    return check


def _doubled(check: int) -> int:
    return (check or 36) * 2 % 37
