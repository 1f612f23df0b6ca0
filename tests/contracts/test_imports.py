"""The import rules hold, and would be noticed if they did not.

import-linter forbids what `pyproject.toml` lists; for the domains this file says what is allowed:
the standard library and the plain values of `contracts`.
"""

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLAIN = {"contracts.values", "contracts.refusals", "contracts.municipalities"}
DOMAINS = sorted((ROOT / "services").rglob("domain.py"))


def modules_imported_by(source, modules):
    """`from services.courses import pins` is an import of `services.courses.pins`, where `modules` have that."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from inside if node.level == 0 and set(inside) <= modules else [node.module or "."]


def not_plain(source, neighbours):
    """Imported modules that are neither standard library, nor plain values, nor a pure neighbour."""
    return [
        name
        for name in modules_imported_by(source, neighbours)
        if name.split(".")[0] not in sys.stdlib_module_names and name not in PLAIN | neighbours
    ]


def waits(source):
    return any(isinstance(node, ast.Await | ast.AsyncFunctionDef) for node in ast.walk(ast.parse(source)))


def pure_among(sources):
    """Of a service's modules those that do no IO, and know only one another and what is plain."""
    pure = set(sources)
    while impure := {name for name in pure if waits(sources[name]) or not_plain(sources[name], pure)}:
        pure -= impure
    return pure


@pytest.mark.parametrize("path", DOMAINS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_domain_is_plain(path):
    service = ROOT / "services" / path.relative_to(ROOT / "services").parts[0]
    sources = {
        ".".join(module.relative_to(ROOT).with_suffix("").parts): module.read_text() for module in service.rglob("*.py")
    }
    assert not_plain(path.read_text(), pure_among(sources)) == []
    assert not waits(path.read_text())


@pytest.mark.parametrize(
    "path", [ROOT / "contracts" / "values.py", ROOT / "contracts" / "refusals.py"], ids=lambda p: p.stem
)
def test_the_plain_values_are_plain_themselves(path):
    assert not_plain(path.read_text(), set()) == []


def test_a_domain_that_reaches_out_is_noticed():
    """Negative control."""
    source = (
        "import asyncpg\nfrom contracts.courses import Course\nfrom contracts.values import PinState\nimport datetime\n"
    )
    assert not_plain(source, set()) == ["asyncpg", "contracts.courses"]


def test_a_domain_that_knows_somebody_who_reaches_out_is_noticed():
    """Negative control: neighbours are followed to the end, also in a circle."""
    sources = {
        "services.one.domain": "from services.one import rules\nfrom services.one.places import free",
        "services.one.rules": "from services.one.domain import Course",
        "services.one.places": "from services.one.store import find",
        "services.one.store": "import asyncpg",
        "services.one.handlers": "async def pin():\n    pass",
    }
    assert pure_among(sources) == set()
    assert pure_among(sources | {"services.one.places": "import datetime"}) == {
        "services.one.domain",
        "services.one.rules",
        "services.one.places",
    }


LAYERS = ("app", "api", "handlers", "store", "domain")


@pytest.fixture
def small_system(tmp_path):
    """Two empty services on an empty chassis, under this repository's own import rules."""
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    modules = [f"services.{service}.{layer}" for service in ("one", "two") for layer in LAYERS]
    modules += [name for rule in rules for name in rule.get("forbidden_modules", ()) if name.startswith("contracts.")]
    for name in [*modules, "chassis.db", "contracts.values", "rekku.cli"]:
        path = tmp_path.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        for package in path.relative_to(tmp_path).parents[:-1]:
            (tmp_path / package / "__init__.py").touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def broken_rules(root):
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    outcome = subprocess.run(
        command, cwd=root, env={"PYTHONPATH": str(root)}, capture_output=True, text=True, check=False, timeout=60
    )
    verdicts = [line for line in outcome.stdout.splitlines() if line.endswith((" KEPT", " BROKEN"))]
    assert len(verdicts) == 4, outcome.stdout + outcome.stderr
    return [line[0] for line in verdicts if line.endswith(" BROKEN")]


@pytest.mark.parametrize(
    ("importer", "imported", "rule"),
    [
        ("services/one/pinning.py", "services.two.domain", "1"),
        ("chassis/db.py", "services.one.handlers", "2"),
        ("services/one/store.py", "services.one.handlers", "3"),
        ("services/one/domain.py", "pydantic", "4"),
        ("services/one/handlers.py", "services.one.store", None),
    ],
)
def test_a_forbidden_import_is_noticed(small_system, importer, imported, rule):
    """Negative control of the import rules."""
    (small_system / importer).write_text(f"import {imported}\n")
    assert broken_rules(small_system) == ([] if rule is None else [rule])
