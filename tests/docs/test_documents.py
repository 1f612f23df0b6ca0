"""The documents keep to their own form: links lead somewhere, records have one decision, commands exist."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from rekku.cli import app

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [
        ROOT / "README.md",
        ROOT / "contracts" / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "services").glob("*/README.md"),
    ]
)
RECORDS = sorted((ROOT / "docs" / "decisions").glob("*.md"))


def _name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_every_link_leads_somewhere(path):
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)|(?:src|href)=\"([^\"#]+)", path.read_text())
    local = [a or b for a, b in targets if not re.match(r"[a-z]+:", a or b)]
    assert [target for target in local if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", RECORDS, ids=_name)
def test_a_record_has_context_one_decision_and_its_cost(path):
    text = path.read_text()
    number = path.name[:4]
    assert re.match(rf"# {number} \S", text)
    assert len(re.findall(r"^\*\*Context\.\*\* ", text, re.MULTILINE)) == 1
    assert len(re.findall(r"^\*\*Decision: .+\*\*$", text, re.MULTILINE)) == 1
    assert len(re.findall(r"^\*\*What it costs\.\*\*$", text, re.MULTILINE)) == 1


def test_records_are_numbered_without_gaps_and_listed():
    assert [path.name[:4] for path in RECORDS] == [f"{n:04}" for n in range(1, len(RECORDS) + 1)]
    index = (ROOT / "docs" / "README.md").read_text()
    assert [path.name for path in RECORDS if f"decisions/{path.name}" not in index] == []


def required():
    lines = (ROOT / "requirements.in").read_text().splitlines()
    return {re.split(r"[\[~<>=; ]", line)[0] for line in lines if line and not line.startswith("#")}


def packages_imported():
    for part in ("contracts", "chassis", "services", "rekku", "tests", "bench", "deploy"):
        for path in (ROOT / part).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    yield from (alias.name.split(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module:
                    yield node.module.split(".")[0]


def test_what_is_imported_is_required():
    """A package that another one happens to bring may be gone with its next release."""
    ours = {"contracts", "chassis", "services", "rekku", "tests", "bench", "deploy"}
    foreign = set(packages_imported()) - sys.stdlib_module_names - ours
    homes = packages_distributions()
    named = {name.lower().replace("_", "-") for name in required()}
    assert {name for name in foreign if not named & {home.lower().replace("_", "-") for home in homes[name]}} == set()


def test_every_dependency_has_its_reason():
    table = (ROOT / "docs" / "dependencies.md").read_text()
    explained = {
        name
        for line in table.splitlines()
        if line.startswith("| ")
        for name in re.findall(r"`([^`]+)`", line.split("|")[2])
    }
    assert explained == required()


def test_the_lock_names_every_hash_and_no_address():
    lock = (ROOT / "requirements.lock").read_text()
    assert re.search(r"https?:|--(?:index-url|extra-index-url|find-links|trusted-host)", lock) is None
    pinned = re.findall(r"^(?=[a-z])[^\n]*==[^\n]*$(?:\n    --hash=sha256:[0-9a-f]{64}[ \\]*$)+", lock, re.MULTILINE)
    assert len(pinned) == len(re.findall(r"^[a-z][^\n]*==", lock, re.MULTILINE)) > 50


def test_the_commands_the_readme_promises_exist():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    promised = set(re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert {"up", "test", "demo", "lint", "bench"} <= promised <= targets


def test_the_subcommands_the_readme_promises_exist():
    promised = set(re.findall(r"^\| `rekku ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert {
        "serve",
        "up",
        "demo",
        "migrate",
        "provision",
        "topics",
        "projections",
        "reconcile",
        "events",
        "dead-letters",
        "outbox",
        "clients",
        "token",
        "rule",
    } == promised
    assert promised <= {command.strip("-") for command in app}
