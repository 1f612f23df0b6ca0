"""Making a PostgreSQL somewhere ready for the services: roles, databases, schemas."""

from urllib.parse import quote, urlsplit

import asyncpg
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.fitness import SHORTEST_PASSWORD, weakness
from chassis.key_store import keys_roles
from chassis.provisioning import DATABASE, KEYS_DATABASE, OWNER, provision, roles_of
from chassis.settings import DatabaseUrl, Environment, unprotected
from rekku.problems import Problem
from rekku.services import SERVICES


class Administration(BaseSettings):
    """What provisioning is told, and no service ever is."""

    model_config = SettingsConfigDict(env_prefix="REKKU_", frozen=True, extra="ignore", use_attribute_docstrings=True)

    environment: Environment = Environment.DEVELOPMENT
    """As of every process: `production` refuses to go unencrypted, and passwords that could be guessed."""
    admin_url: DatabaseUrl
    """An administrator of the PostgreSQL, as `postgresql://role:password@host/postgres`."""
    role_passwords: dict[str, SecretStr]
    """Passwords by role (JSON): `rekku_owner`, each service's `rekku_SERVICE` and, with keys, `rekku_keys_SERVICE`."""


def needed_roles() -> list[str]:
    """The roles that services and jobs log in as."""
    return [OWNER, *keys_roles(), *(f"rekku_{name}" for name in SERVICES)]


async def provision_there() -> None:
    """Provision the PostgreSQL of REKKU_ADMIN_URL with the passwords of REKKU_ROLE_PASSWORDS.

    Raises:
        Problem: a role has no good password, or the server cannot be used.
    """
    # Whatever is missing is in the environment; pydantic's own message says which.
    told = Administration.model_validate({})
    passwords = {role: password.get_secret_value() for role, password in told.role_passwords.items()}
    _check(passwords)
    if told.environment is Environment.PRODUCTION:
        _check_for_production(told.admin_url, passwords)
    try:
        await provision(lambda name: _on(told.admin_url.get_secret_value(), name), passwords, SERVICES)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise Problem(f"the PostgreSQL of REKKU_ADMIN_URL cannot be provisioned ({reason})") from error
    print(f"provisioned: {DATABASE}, {KEYS_DATABASE}, {len(roles_of(SERVICES))} roles")


def _check(passwords: dict[str, str]) -> None:
    unknown = sorted(passwords.keys() - roles_of(SERVICES))
    if unknown:
        raise Problem(f"there is no role {unknown[0]}; there are {', '.join(roles_of(SERVICES))}")
    for role in needed_roles():
        if len(passwords.get(role, "")) < SHORTEST_PASSWORD:
            raise Problem(f"REKKU_ROLE_PASSWORDS has no password of {SHORTEST_PASSWORD} characters for {role}")


def _check_for_production(admin_url: SecretStr, passwords: dict[str, str]) -> None:
    found = unprotected(admin_url)
    wrong = [f"- REKKU_ADMIN_URL {found}"] if found else []
    wrong += [
        f"- REKKU_ROLE_PASSWORDS: that of {role} {weak}; draw one at random"
        for role, password in passwords.items()
        if (weak := weakness(password, SHORTEST_PASSWORD))
    ]
    if wrong:
        raise Problem("production is not provisioned:", details=wrong)


def _on(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{quote(database)}").geturl()
