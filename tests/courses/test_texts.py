"""Every refusal can be read by those it is for."""

import re
from pathlib import Path

from chassis.texts import LANGUAGES, Texts, text_id
from contracts.values import CourseState, PinState, ReleaseReason
from services.courses.acts import Act, Read
from services.courses.app import SERVICE
from services.courses.reading import export

_RAISED = re.compile(r'(?:Refusal|NotFound|Invalid|NotYetKnown)\(\s*"([A-Z_]+)"')


def codes_raised() -> set[str]:
    sources = "\n".join(path.read_text() for path in SERVICE.root.rglob("*.py"))
    return set(_RAISED.findall(sources)) | {"AGE_GROUP_REQUIRED", "AGE_GROUP_UNKNOWN"}


def test_every_refusal_is_translated():
    """Style: every refusal code is translated into fi, sv and en."""
    texts = Texts(SERVICE.root / "texts")
    missing = [(code, lang) for code in codes_raised() for lang in LANGUAGES if not texts.has(lang, text_id(code))]
    assert missing == []


def test_every_refusal_stands_in_the_readme():
    """Style: every refusal code is listed in the service's README."""
    readme = (SERVICE.root / "README.md").read_text()
    assert [code for code in sorted(codes_raised() - {"NOT_YET_KNOWN"}) if f"`{code}`" not in readme] == []


def words_of_tables() -> set[str]:
    columns = {f"column-{name}" for name in (*export.COURSE_COLUMNS, *export.PIN_COLUMNS)}
    states = {f"course-state-{state}" for state in CourseState} | {f"pin-state-{state}" for state in PinState}
    reasons = {f"pin-reason-{reason.replace('_', '-')}" for reason in ReleaseReason}
    acts = {f"act-{member.replace('_', '-')}" for kind in (Act, Read) for member in kind}
    return columns | states | reasons | acts | {"courses-title", "pins-title", "yes", "no", "every-age", "every-period"}


def test_every_text_belongs_to_a_refusal_or_a_table():
    refusals = {text_id(code) for code in codes_raised() - {"NOT_YET_KNOWN"}}
    for path in (SERVICE.root / "texts").glob("*.ftl"):
        assert {line.split(" ")[0] for line in _messages(path)} == refusals | words_of_tables(), path.name


def test_an_open_end_reads_well():
    """An unknown group maximum and an open contract are not shown as a missing value."""
    texts = Texts(SERVICE.root / "texts")
    for language in LANGUAGES:
        sizes = texts.text(language, "group-size-out-of-range", {"group_min": 6, "group_max": None})
        dates = texts.text(language, "contract-not-valid", {"valid_from": "2024-01-01", "valid_to": None})
        assert "6" in sizes
        assert "None" not in sizes + dates


def _messages(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if re.match(r"[a-z-]+ = ", line)]
