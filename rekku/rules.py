"""The rules of the procedure, as their two pages have them: the texts in domain.md, what is built in rules.md."""

import difflib
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rekku.problems import Problem

RULE_ID = re.compile(r"\b(?:R-[A-Z]+-|E-|P)\d+\b")

_HERE = Path(__file__).parent
_FOLDERS = (_HERE / "pages", _HERE.parent / "docs")
"""Where an installed package has the pages, and where a checkout has them."""
_WIDTH = 100


class Status(StrEnum):
    """How much of a rule this system keeps."""

    BUILT = "built"
    IN_PART = "in part"
    OUTSIDE = "outside"
    NOT_BUILT = "not built"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as domain.md has it; `source` is `document:line`, a finding's id, an address, or "inferred"."""

    rule_id: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Row:
    """A rule's row in rules.md; `status` as it is written, `note` what follows it.

    `code` are references as `path:object`, `tests` as `path::function`.
    """

    rule_id: str
    status: str
    note: str
    code: tuple[str, ...]
    tests: tuple[str, ...]


def read_rules(page: str) -> list[Rule]:
    """Every row of three cells that begins with a rule's id: id, text, source."""
    return [Rule(*cells) for cells in _rows_of_rules(page) if len(cells) == 3]


def read_rows(page: str) -> list[Row]:
    """Every row of four cells that begins with a rule's id: id, status, code, tests."""
    found = []
    for cells in _rows_of_rules(page):
        if len(cells) == 4:
            rule_id, given, code, tests = cells
            status, _, note = given.partition(":")
            found.append(Row(rule_id, status.strip(), note.strip(), _references(code), _references(tests)))
    return found


def order_of(rule_id: str) -> tuple[str, int]:
    """Where an id belongs in a sorted page: by its letters, then by its number."""
    letters = rule_id.rstrip("0123456789")
    return letters, int(rule_id.removeprefix(letters))


def show_rule(wanted: str) -> None:
    """Print a rule: its text and source, how much of it is built, where, and the tests that prove it.

    Raises:
        Problem: status 1 where there is no such rule, with the ids that look like it.
    """
    rules = {rule.rule_id: rule for rule in read_rules(_page("domain.md"))}
    rule_id = wanted.strip().upper()
    if rule_id not in rules:
        near = difflib.get_close_matches(rule_id, rules, n=3, cutoff=0.5)
        raise Problem(f"there is no rule {wanted}" + (f"; there is {', '.join(near)}" if near else ""), status=1)
    rows = {row.rule_id: row for row in read_rows(_page("rules.md"))}
    print("\n".join(_lines(rules[rule_id], rows.get(rule_id))))


def _page(name: str) -> str:
    for folder in _FOLDERS:
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8")
    raise Problem(f"{name} is not installed: the pages of the rules come with the package")


def _rows_of_rules(page: str) -> Iterator[list[str]]:
    for line in page.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
        if cells and RULE_ID.fullmatch(cells[0]):
            yield cells


def _references(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", cell))


def _lines(rule: Rule, row: Row | None) -> Iterator[str]:
    yield rule.rule_id
    yield from textwrap.wrap(re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", rule.text), _WIDTH)
    yield ""
    yield f"source  {rule.source}"
    if row is not None:
        yield f"status  {row.status}{f': {row.note}' if row.note else ''}"
        for name, references in (("code", row.code), ("tests", row.tests)):
            for index, reference in enumerate(references):
                yield f"{'' if index else name:<8}{reference}"
