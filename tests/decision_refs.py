"""Decision identifiers for tests: those of small numbers, in their order."""

from stdnum.iso7064 import mod_37_36


def a_decision_ref(number: int) -> str:
    """A decision identifier with the right check character."""
    text = f"D{number:011}"
    return text + mod_37_36.calc_check_digit(text)
