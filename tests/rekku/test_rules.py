"""`rekku rule`: a rule's text, code and tests from the pages, in a checkout and where only the package is installed."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from rekku import rules
from rekku.problems import Problem

ROOT = Path(__file__).parents[2]
DOMAIN = """
| id | rule | source |
|---|---|---|
| E-1 | Two ledgers, see [the page](page.md); never \\| added. | 003:135 |
| E-12 | Nine months. | inferred |
| P1 | A finding. | kela.fi |
"""
ROWS = """
| rule | status | code | tests |
|---|---|---|---|
| E-1 | built | `a.py:f`<br>`b.py:g` | `t.py::test_f`<br>`t.py::test_g` |
| E-12 | in part: not ten: nor eleven | `a.py:f` | `t.py::test_f` |
| P1 | outside: context | | |
"""


@pytest.fixture
def pages(tmp_path, monkeypatch):
    (tmp_path / "domain.md").write_text(DOMAIN)
    (tmp_path / "rules.md").write_text(ROWS)
    monkeypatch.setattr(rules, "_FOLDERS", (tmp_path / "none", tmp_path))
    return tmp_path


def test_a_rule_is_shown_with_its_source_its_code_and_its_tests(pages, capsys):
    rules.show_rule("E-1")
    assert capsys.readouterr().out.splitlines() == [
        "E-1",
        "Two ledgers, see the page; never \\| added.",
        "",
        "source  003:135",
        "status  built",
        "code    a.py:f",
        "        b.py:g",
        "tests   t.py::test_f",
        "        t.py::test_g",
    ]


@pytest.mark.parametrize(("wanted", "status"), [(" e-12 ", "in part: not ten: nor eleven"), ("p1", "outside: context")])
def test_an_id_is_taken_however_it_is_typed_and_the_reason_is_shown(pages, capsys, wanted, status):
    rules.show_rule(wanted)
    assert f"status  {status}" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("wanted", "near"), [("E1", "; there is E-1"), ("E-13", "; there is E-1, E-12"), ("quota", "")]
)
def test_an_unknown_id_is_one_line_with_those_that_look_like_it(pages, wanted, near):
    with pytest.raises(Problem) as problem:
        rules.show_rule(wanted)
    assert problem.value.status == 1
    assert problem.value.lines[0].startswith(f"there is no rule {wanted}{near}")
    assert bool(near) == ("there is E" in problem.value.lines[0])


def test_pages_that_are_not_there_are_one_line(pages):
    (pages / "domain.md").unlink()
    with pytest.raises(Problem, match=r"domain\.md is not installed"):
        rules.show_rule("E-1")


@pytest.mark.parametrize("status", rules.Status)
def test_the_projects_own_rules_are_shown_whatever_their_status(capsys, status):
    rows = rules.read_rows((ROOT / "docs" / "rules.md").read_text())
    rule_id = next(row.rule_id for row in rows if row.status == status)
    rules.show_rule(rule_id)
    shown = capsys.readouterr().out
    assert shown.startswith(f"{rule_id}\n")
    assert re.search(rf"^status  {status}(: .+)?$", shown, re.MULTILINE)


def test_the_built_package_has_its_pages(tmp_path):
    """Where nothing of the checkout is, the command reads the pages that came with the wheel."""
    wheel = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(wheel, cwd=ROOT, check=True, capture_output=True)
    (built,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(tmp_path / "installed")
    code = "from rekku import rules; print(rules.__file__); rules.show_rule('E-54')"

    def shown():
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(tmp_path / "installed")},
            capture_output=True,
            text=True,
        )

    package = tmp_path / "installed" / "rekku"
    assert shown().stdout.startswith(f"{package / 'rules.py'}\nE-54\n")

    # Negative control: without them nothing else is found.
    shutil.rmtree(package / "pages")
    assert "domain.md is not installed" in shown().stderr
