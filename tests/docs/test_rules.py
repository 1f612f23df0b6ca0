"""docs/rules.md is true: every row names a real rule, code that exists and a test that speaks of the rule."""

import collections

import pytest

from tests.docs import rules_table

ROWS = rules_table.rows(rules_table.RULES.read_text())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rule)
def test_a_rule_has_its_code_and_its_test(row):
    assert rules_table.problems(row) == []


def test_a_rule_has_one_row():
    counted = collections.Counter(row.rule for row in ROWS)
    assert [rule for rule, times in counted.items() if times > 1] == []


def test_the_text_cites_only_rules_that_exist():
    cited = set(rules_table.RULE_ID.findall(rules_table.RULES.read_text()))
    assert cited - rules_table.known_ids() == set()


def test_the_list_of_rules_holds_each_once():
    listed = rules_table.IDS.read_text().split()
    assert len(listed) == len(set(listed))
    assert all(rules_table.RULE_ID.fullmatch(rule) for rule in listed)


CODE = "def pin():\n    pass\n\n\nclass Course:\n    def free(self):\n        pass\n"
TEST = 'def test_it():\n    """The last place is given once (R-CRS-14)."""\n'


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("| R-CRS-14 | full is full | `code.py:pin` | `test_code.py::test_it` |", None),
        ("| R-CRS-14 | full is full | `code.py:Course.free` | `test_code.py::test_it` |", None),
        ("| R-CRS-14 | full is full | `code.sql:seat_no` | `test_code.py::test_it` |", None),
        ("| R-CRS-999 | full is full | `code.py:pin` | `test_code.py::test_it` |", "no such rule"),
        ("| R-CRS-14 | | `code.py:pin` | `test_code.py::test_it` |", "does not say"),
        ("| R-CRS-14 | full is full | | `test_code.py::test_it` |", "needs code"),
        ("| R-CRS-14 | full is full | `code.py:unpin` | `test_code.py::test_it` |", "there is no code.py:unpin"),
        ("| R-CRS-14 | full is full | `code.py` | `test_code.py::test_it` |", "there is no code.py"),
        ("| R-CRS-14 | full is full | `code.sql:room` | `test_code.py::test_it` |", "there is no code.sql:room"),
        ("| R-CRS-14 | full is full | `code.py:pin` | `test_code.py::test_other` |", "there is no test"),
        ("| R-CRS-14 | full is full | `code.py:pin` | `code.py::pin` |", "there is no test"),
        ("| R-CRS-1 | full is full | `code.py:pin` | `test_code.py::test_it` |", "does not mention it"),
    ],
)
def test_an_untrue_row_is_noticed(tmp_path, row, problem):
    """Negative control of the table's own test."""
    (tmp_path / "code.py").write_text(CODE)
    (tmp_path / "code.sql").write_text("CREATE UNIQUE INDEX seat_no ON pins (course_id);")
    (tmp_path / "test_code.py").write_text(TEST)

    (parsed,) = rules_table.rows(f"| rule | here | code | test |\n|---|---|---|---|\n{row}\n")
    found = rules_table.problems(parsed, tmp_path)

    assert found == [] if problem is None else any(problem in line for line in found)
