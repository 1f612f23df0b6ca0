"""Holds docs/rules.md against docs/domain.md, the code and the tests."""

import ast
import re
from functools import cache
from pathlib import Path

from rekku import rules
from rekku.rules import Status

ROOT = Path(__file__).parents[2]
DOMAIN = ROOT / "docs" / "domain.md"
RULES = ROOT / "docs" / "rules.md"

KEPT = {Status.BUILT, Status.IN_PART}
"""They have code and tests; the others have neither."""


@cache
def known_ids():
    return [rule.rule_id for rule in rules.read_rules(DOMAIN.read_text())]


def problems(row, root=ROOT):
    """What is not true of a row, one line each."""
    found = []
    if row.rule_id not in known_ids():
        found.append("no such rule")
    if row.status not in set(Status):
        found.append(f"{row.status} is no status")
    elif (row.status == Status.BUILT) == bool(row.note):
        found.append("says more than built" if row.note else "does not say what is missing, or why")
    if row.status in KEPT and not (row.code and row.tests):
        found.append("needs code and a test")
    if row.status not in KEPT and (row.code or row.tests):
        found.append("has code or a test all the same")
    if len(row.code) > 2:
        found.append("has more than two places to begin at")
    found += [f"there is no {reference}" for reference in row.code if not _code_exists(reference, root)]
    found += [problem for reference in row.tests for problem in _test_problems(row.rule_id, reference, root)]
    return [f"{row.rule_id}: {problem}" for problem in found]


def _code_exists(reference, root):
    path, _, name = reference.partition(":")
    file = root / path
    if not name or not file.is_file():
        return False
    if file.suffix != ".py":
        return re.search(rf"\b{re.escape(name)}\b", file.read_text()) is not None
    return _find(_parsed(file), name.split(".")) is not None


def _test_problems(rule_id, reference, root):
    path, _, name = reference.partition("::")
    file = root / path
    if not file.is_file() or not file.name.startswith("test_"):
        return [f"there is no test {reference}"]
    test = _find(_parsed(file), name.split("::"))
    if not isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef) or not test.name.startswith("test_"):
        return [f"there is no test {reference}"]
    if rule_id not in rules.RULE_ID.findall(ast.get_docstring(test) or ""):
        return [f"{reference} does not name it in its docstring"]
    return []


@cache
def _parsed(file):
    return ast.parse(file.read_text())


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
