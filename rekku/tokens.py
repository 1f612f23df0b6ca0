"""Tokens of a home's development issuer, for the command line."""

from pathlib import Path
from typing import Literal

from chassis.auth import DevIssuer, Role
from chassis.cleaning import business_id
from chassis.settings import Settings
from contracts.refusals import Invalid
from rekku.problems import Problem


def make_token(home: Path, role: Literal["provider", "officer", "system"], provider: str | None) -> str:
    """A token for the role, valid for eight hours; `provider` is a business ID in any usual spelling.

    Raises:
        Problem: `provider` is missing, not asked for or wrong, or the home has no development issuer.
    """
    if role == "provider" and provider is None:
        raise Problem("--provider is missing: the business ID (Y-tunnus) of the provider that the token is for")
    if role != "provider" and provider is not None:
        raise Problem("--provider goes with --role provider only")
    if provider is not None:
        provider = _business_id(provider)
    if not (home / "dev-issuer.json").exists():
        raise Problem(f"there is no development issuer in {home}: `rekku up` makes one")
    try:
        issuer = DevIssuer(Settings().model_copy(update={"dev_issuer": True, "home": home}))
    except ValueError as error:
        raise Problem(f"{error}: production has its own issuer") from error
    return issuer.token(Role(role), provider)


def _business_id(written: str) -> str:
    try:
        return business_id(written)
    except Invalid as refused:
        wrong = "its check digit" if refused.code == "BUSINESS_ID_CHECK_DIGIT" else "its form"
        raise Problem(f"--provider takes a business ID such as 2828286-3: {wrong} is wrong") from refused
