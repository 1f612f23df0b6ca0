"""The texts themselves: complete, short, recognisable and careful (R-FBK-7, R-FBK-8, E-31)."""

import re
from pathlib import Path

import pytest
from fluent.syntax import parse
from fluent.syntax.ast import Message

import services.notifications
from contracts.identity_codes import holds_identity_code
from services.notifications.domain import CLIENT_TEMPLATES, STATEMENTS, Area, Template
from services.notifications.links import EXAMPLE_TOKEN, is_kela_address, survey_address
from services.notifications.sms_text import Encoding, size_of
from services.notifications.writing import text_of

ROOT = Path(services.notifications.__file__).parent
LINK = survey_address("https://www.kela.fi", EXAMPLE_TOKEN)
INBOX_TEMPLATES = [template for template in Template if template not in CLIENT_TEMPLATES]
FIGURES = {
    "decision_ref": "D-1",
    "course_number": "976",
    "place": "free",
    "why": "course_cancelled",
    "year": "2024",
    "announced": "24",
    "limit": "930",
    "outcome": "approved",
    "kind": "subcontractor_added",
    "effective_from": "1.3.2024",
    "service_name": "Sydänkurssi",
    "office": "Kuopion toimipiste",
    "due_on": "31.3.2024",
}


def ids_in(folder: str, language: str) -> set[str]:
    entries = parse((ROOT / folder / f"{language}.ftl").read_text()).body
    return {entry.id.name for entry in entries if isinstance(entry, Message)}


@pytest.mark.parametrize("language", ["fi", "sv"])
@pytest.mark.parametrize("template", CLIENT_TEMPLATES)
def test_every_sms_is_one_short_segment_from_kela(template, language):
    """E-31, R-FBK-7: also with the longest link it leaves as one GSM-7 segment."""
    text = text_of(template, language, {"link": LINK})
    size = size_of(text)
    assert (size.encoding, size.segments) == (Encoding.GSM7, 1), size
    assert text.startswith("Kela")
    assert "{" not in text


@pytest.mark.parametrize("language", ["fi", "sv"])
@pytest.mark.parametrize("template", CLIENT_TEMPLATES)
def test_no_sms_says_who_the_client_is_or_sends_them_elsewhere(template, language):
    """E-31: no personal data, no service name, no link but to kela.fi, no request to identify oneself."""
    text = text_of(template, language, {"link": LINK})
    links = re.findall(r"https?://\S+", text)
    assert all(is_kela_address(link) for link in links)
    assert re.findall(r"\b[a-z0-9-]+\.fi\b", text.replace(LINK, "")) in ([], ["kela.fi"])
    assert not re.search(r"sydän|hjärt|syöp|cancer|reuma|tunnistaudu|legitimera|kirjaudu|logga in", text.lower())
    assert not holds_identity_code(text)


def test_clients_are_written_to_in_finnish_and_swedish_and_providers_also_in_english():
    assert ids_in("templates", "fi") == ids_in("templates", "sv") == set(Template)
    assert ids_in("templates", "en") == set(INBOX_TEMPLATES)


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
@pytest.mark.parametrize("template", INBOX_TEMPLATES)
def test_every_inbox_line_fills_in(template, language):
    text = text_of(template, language, FIGURES)
    assert "{" not in text
    assert text != template
    if template is Template.CLIENT_UNPINNED:
        unknown = text_of(template, language, FIGURES | {"course_number": "unknown", "place": "taken"})
        assert "unknown" not in unknown
        assert unknown != text


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_survey_has_nineteen_statements_in_every_language(language):
    """P5."""
    wanted = {f"statement-{number}" for number in range(1, STATEMENTS + 1)} | set(Area) | {"title", "best", "worst"}
    assert ids_in("statements", language) == wanted


def test_only_https_addresses_of_kela_are_kelas():
    """E-31."""
    assert is_kela_address("https://www.kela.fi/s/x")
    assert is_kela_address("https://kela.fi")
    wrong = ["http://www.kela.fi", "https://kela.fi.example.org", "https://notkela.fi", "https://kela.fi@example.org/"]
    assert not any(map(is_kela_address, wrong))
