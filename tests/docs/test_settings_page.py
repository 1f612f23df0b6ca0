"""The page of settings holds what the code declares, and leaves no variable out."""

import re

import pytest

from chassis.settings import Settings
from deploy import settings_page
from rekku.provisioning import Administration, needed_roles
from rekku.services import SERVICES
from tests.conftest import ROOT

PAGE = settings_page.PAGE.read_text()
READ = (
    "Makefile",
    "Dockerfile",
    "docker-compose.yml",
    ".ci/run",
    "contracts",
    "chassis",
    "services",
    "rekku",
    "deploy",
)
NO_SETTINGS = {"REKKU_KNOWN_INVALID"}
"""A refusal code."""


def test_the_tables_are_current():
    assert settings_page.with_tables(PAGE) == PAGE, "make settings"


@pytest.mark.parametrize(("old", "new"), [("`8080`", "`8081`"), ("every service", "no service"), ("| yes |", "|  |")])
def test_control_a_table_that_says_something_else_is_noticed(old, new):
    wrong = "\n".join(line.replace(old, new) if line.startswith("| `REKKU_") else line for line in PAGE.splitlines())
    assert wrong != PAGE
    assert settings_page.with_tables(wrong + "\n") == PAGE


def test_every_setting_says_what_it_means():
    fields = Settings.model_fields | Administration.model_fields
    assert [name for name, one in fields.items() if not (one.description or "").endswith(".")] == []


def test_the_roles_that_need_a_password_are_those_the_page_names():
    named = set(re.findall(r"`(rekku_\w+)`", Administration.model_fields["role_passwords"].description or ""))
    assert {re.sub(f"_({'|'.join(SERVICES)})$", "_SERVICE", role) for role in needed_roles()} == named


def texts():
    for name in READ:
        path = ROOT / name
        for file in [path] if path.is_file() else path.rglob("*"):
            if file.suffix in {"", ".py", ".yaml", ".yml"} and file.is_file():
                yield file.read_text()
    for file in (ROOT / "tests").rglob("*.py"):
        yield "\n".join(re.findall(r"environ.*", file.read_text()))


OF_EACH = ("_PASSWORD", "_FINGERPRINT_SECRET")
"""How the names end that the compose file has once for each service."""


def test_no_variable_is_left_out():
    used = {name for text in texts() for name in re.findall(r"REKKU_[A-Z_]*[A-Z]", text)}
    assert {"REKKU_SEED", "REKKU_LAUNCHER", "REKKU_KAFKA_PORT", "REKKU_TLS_CERT_FILE"} <= used
    named = {
        re.sub(f"_({'|'.join(SERVICES)})_".upper(), "_SERVICE_", name) if name.endswith(OF_EACH) else name
        for name in used - NO_SETTINGS
    }
    assert {name for name in named if f"`{name}`" not in PAGE} == set()
