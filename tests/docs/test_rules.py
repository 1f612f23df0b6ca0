"""docs/rules.md is true: a row for every rule of docs/domain.md, with code that exists and tests that name the rule."""

import pytest

from rekku import rules
from tests.docs import rules_table

ROWS = rules.read_rows(rules_table.RULES.read_text())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rule_id)
def test_a_rule_has_its_status_and_what_that_asks_for(row):
    assert rules_table.problems(row) == []


def test_every_rule_has_one_row_and_they_are_sorted():
    assert [row.rule_id for row in ROWS] == sorted(rules_table.known_ids(), key=rules.order_of)


def test_a_rule_is_written_once_with_its_source():
    known = rules_table.known_ids()
    assert len(known) == len(set(known)) > 250
    written = rules.read_rules(rules_table.DOMAIN.read_text())
    assert [rule.rule_id for rule in written if not rule.text or not rule.source] == []


def test_the_numbers_of_rules_have_no_gaps():
    """A rule that is given up keeps its row: its id is never used again."""
    numbers = {}
    for rule_id in rules_table.known_ids():
        letters, number = rules.order_of(rule_id)
        numbers.setdefault(letters, set()).add(number)
    assert {letters: found for letters, found in numbers.items() if found != set(range(1, len(found) + 1))} == {}


@pytest.mark.parametrize("page", [rules_table.DOMAIN, rules_table.RULES], ids=lambda page: page.name)
def test_a_page_cites_only_rules_that_exist(page):
    assert set(rules.RULE_ID.findall(page.read_text())) - set(rules_table.known_ids()) == set()


def test_ids_are_sorted_by_letters_and_then_by_number():
    given = ["R-CRS-14", "E-10", "R-REG-1", "P3", "E-2", "R-CRS-9"]
    assert sorted(given, key=rules.order_of) == ["E-2", "E-10", "P3", "R-CRS-9", "R-CRS-14", "R-REG-1"]


CODE = "def pin():\n    pass\n\n\nclass Course:\n    def free(self):\n        pass\n"
TEST = '''
def test_it():
    """The last place is given once (R-CRS-14)."""


def test_other():
    """Another one's docstring names it."""
    # R-CRS-14: neither does a comment count.


class TestIt:
    """R-CRS-14."""


def it():
    """R-CRS-14."""
'''


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("| R-CRS-14 | built | `code.py:pin` | `test_code.py::test_it` |", None),
        ("| R-CRS-14 | built | `code.py:Course.free` | `test_code.py::test_it` |", None),
        ("| R-CRS-14 | built | `code.sql:seat_no` | `test_code.py::test_it` |", None),
        ("| R-CRS-14 | in part: not the last | `code.py:pin` | `test_code.py::test_it` |", None),
        ("| R-CRS-14 | outside: people do it | | |", None),
        ("| R-CRS-14 | not built: all of it | | |", None),
        ("| R-CRS-999 | built | `code.py:pin` | `test_code.py::test_it` |", "no such rule"),
        ("| R-CRS-14 | | `code.py:pin` | `test_code.py::test_it` |", "is no status"),
        ("| R-CRS-14 | nearly | `code.py:pin` | `test_code.py::test_it` |", "nearly is no status"),
        ("| R-CRS-14 | built: mostly | `code.py:pin` | `test_code.py::test_it` |", "says more than built"),
        ("| R-CRS-14 | in part | `code.py:pin` | `test_code.py::test_it` |", "does not say"),
        ("| R-CRS-14 | in part: not the last | `code.py:pin` | |", "needs code and a test"),
        ("| R-CRS-14 | outside | | |", "does not say"),
        ("| R-CRS-14 | not built: | | |", "does not say"),
        ("| R-CRS-14 | outside: people do it | `code.py:pin` | |", "all the same"),
        ("| R-CRS-14 | not built: all of it | | `test_code.py::test_it` |", "all the same"),
        ("| R-CRS-14 | built | | `test_code.py::test_it` |", "needs code"),
        ("| R-CRS-14 | built | `code.py:pin` | |", "needs code"),
        ("| R-CRS-14 | built | `code.py:unpin` | `test_code.py::test_it` |", "there is no code.py:unpin"),
        ("| R-CRS-14 | built | `code.py` | `test_code.py::test_it` |", "there is no code.py"),
        ("| R-CRS-14 | built | `code.sql:room` | `test_code.py::test_it` |", "there is no code.sql:room"),
        (
            "| R-CRS-14 | built | `code.py:pin` `code.py:Course` `code.sql:pins` | `test_code.py::test_it` |",
            "more than two",
        ),
        ("| R-CRS-14 | built | `code.py:pin` | `test_code.py::test_gone` |", "there is no test"),
        ("| R-CRS-14 | built | `code.py:pin` | `test_code.py::it` |", "there is no test"),
        ("| R-CRS-14 | built | `code.py:pin` | `test_code.py::TestIt` |", "there is no test"),
        ("| R-CRS-14 | built | `code.py:pin` | `code.py::pin` |", "there is no test"),
        ("| R-CRS-14 | built | `code.py:pin` | `test_code.py::test_other` |", "does not name it"),
        ("| R-CRS-1 | built | `code.py:pin` | `test_code.py::test_it` |", "does not name it"),
    ],
)
def test_an_untrue_row_is_noticed(tmp_path, row, problem):
    """Negative control of the table's own test."""
    (tmp_path / "code.py").write_text(CODE)
    (tmp_path / "code.sql").write_text("CREATE UNIQUE INDEX seat_no ON pins (course_id);")
    (tmp_path / "test_code.py").write_text(TEST)

    (parsed,) = rules.read_rows(f"| rule | status | code | tests |\n|---|---|---|---|\n{row}\n")
    found = rules_table.problems(parsed, tmp_path)

    assert found == [] if problem is None else any(problem in line for line in found)
