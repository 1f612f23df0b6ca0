"""Reads docs/rules.md: a row is a rule's id, what it means here, its code and its tests."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
RULES = ROOT / "docs" / "rules.md"
IDS = ROOT / "docs" / "rule-ids.txt"

RULE_ID = re.compile(r"(?:R-[A-Z]+-|E-|P)\d+")
_REFERENCE = re.compile(r"`([^`]+)`")
_TABLE_RULE = re.compile(r":?-{3,}:?")


@dataclass(frozen=True)
class Row:
    """One rule; code as `path:object`, tests as `path::function`."""

    rule: str
    meaning: str
    code: tuple[str, ...]
    tests: tuple[str, ...]


def rows(text):
    """Every row of every four-column table whose first cell is no heading."""
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
        if len(cells) != 4 or cells[0].lower() == "rule" or all(_TABLE_RULE.fullmatch(cell) for cell in cells):
            continue
        rule, meaning, code, tests = cells
        found.append(Row(rule, meaning, tuple(_REFERENCE.findall(code)), tuple(_REFERENCE.findall(tests))))
    return found


def known_ids():
    return set(IDS.read_text().split())


def problems(row, root=ROOT):
    """What is not true of a row, one line each."""
    found = []
    if row.rule not in known_ids():
        found.append(f"{row.rule}: no such rule")
    if not row.meaning:
        found.append(f"{row.rule}: does not say what it means")
    if not row.code or not row.tests:
        found.append(f"{row.rule}: needs code and a test")
    found += [f"{row.rule}: there is no {reference}" for reference in row.code if not _code_exists(reference, root)]
    found += [problem for reference in row.tests for problem in _test_problems(row.rule, reference, root)]
    return found


def _code_exists(reference, root):
    path, _, name = reference.partition(":")
    file = root / path
    if not name or not file.is_file():
        return False
    if file.suffix != ".py":
        return re.search(rf"\b{re.escape(name)}\b", file.read_text()) is not None
    return _find(ast.parse(file.read_text()), name.split(".")) is not None


def _test_problems(rule, reference, root):
    path, _, name = reference.partition("::")
    file = root / path
    if not name.startswith("test_") or not file.is_file() or not file.name.startswith("test_"):
        return [f"{rule}: there is no test {reference}"]
    source = file.read_text()
    if _find(ast.parse(source), name.split("::")) is None:
        return [f"{rule}: there is no test {reference}"]
    if rule not in RULE_ID.findall(source):
        return [f"{rule}: {path} does not mention it"]
    return []


def _find(tree, names):
    """The definition or assignment that a dotted name leads to, None where there is none."""
    for node in tree.body:
        if names[0] in _names_bound_by(node):
            return node if len(names) == 1 else _find(node, names[1:]) if hasattr(node, "body") else None
    return None


def _names_bound_by(node):
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.AnnAssign):
        return {node.target.id} if isinstance(node.target, ast.Name) else set()
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return set()
