"""What is kept of a token's claims, and examined before (E-59)."""

from collections.abc import Mapping
from typing import Any

from contracts.identity_codes import HoldsIdentityCode, TextKind, holds_identity_code

KEPT: Mapping[str, TextKind] = {"sub": TextKind.IDENTIFIER}
"""The claims whose text is stored, in the audit and beside answers; the others have to be one of a few values."""


def examine_claims(claims: Mapping[str, Any]) -> None:
    """Let no personal identity code in by a token.

    Raises:
        HoldsIdentityCode: a claim that is kept holds one.
    """
    for name, kind in KEPT.items():
        if holds_identity_code(str(claims.get(name, "")), kind):
            raise HoldsIdentityCode(f"token.{name}")
