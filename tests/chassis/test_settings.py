"""Settings, texts and the development issuer."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from chassis.auth import DevIssuer
from chassis.settings import Environment, Settings
from chassis.texts import LANGUAGES, Texts, preferred_language

PRODUCTION = {
    "environment": Environment.PRODUCTION,
    "jwks_url": "https://issuer.example/jwks",
    "fingerprint_secret": "x" * 32,
    "public_url": "https://rekku.example",
}


def test_production_starts_with_production_settings():
    assert Settings.model_validate(PRODUCTION).environment is Environment.PRODUCTION


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"dev_issuer": True}, "development issuer"),
        ({"clock": "simulated"}, "simulated clock"),
        ({"failpoints": "/orders"}, "failpoints"),
        ({"jwks_url": "file:///keys.json"}, "keys from a file"),
        ({"fingerprint_secret": "short"}, "no secret for fingerprints"),
        ({"fingerprint_secret": ""}, "REKKU_FINGERPRINT_SECRET"),
        ({"public_url": "http://rekku.example"}, "plain http"),
    ],
)
def test_production_refuses_what_belongs_on_a_developers_machine(wrong: dict[str, object], named: str):
    with pytest.raises(ValidationError, match=named):
        Settings.model_validate(PRODUCTION | wrong)


def test_the_secret_of_survey_links_is_asked_of_nobody_here():
    """It is notifications' alone, which asks for it itself (tests/notifications)."""
    assert not Settings.model_validate(PRODUCTION).secret.get_secret_value()


@pytest.mark.parametrize("topic", ["rekku.quota-signal", "rekku.payments"])
def test_whom_to_believe_is_asked_for_topics_that_others_write(topic: str, monkeypatch: pytest.MonkeyPatch):
    """A mistyped topic would leave the right one without anybody; the control is the right one."""
    monkeypatch.setenv("REKKU_OUTSIDE_SOURCES", '{"rekku.quota-signals": ["/kela/another"]}')
    assert Settings().outside_sources == {"rekku.quota-signals": {"/kela/another"}}
    monkeypatch.setenv("REKKU_OUTSIDE_SOURCES", f'{{"{topic}": ["/kela/another"]}}')
    with pytest.raises(ValidationError, match=f"no topic of other systems: {topic}"):
        Settings()


def test_the_development_issuer_is_off_unless_asked_for(tmp_path: Path):
    with pytest.raises(ValueError, match="is off"):
        DevIssuer(Settings(home=tmp_path))


def test_the_development_key_is_the_owners_alone(tmp_path: Path):
    DevIssuer(Settings(home=tmp_path, dev_issuer=True))
    assert (tmp_path / "dev-issuer.json").stat().st_mode & 0o077 == 0
    assert '"d"' not in DevIssuer.jwks_path(tmp_path).read_text()


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("sv-FI,sv;q=0.9,en;q=0.8", "sv"),
        ("de,en;q=0.5,fi;q=0.7", "fi"),
        ("en;q=0, sv;q=0.1", "sv"),
        ("en;q=x", "fi"),
        (None, "fi"),
    ],
)
def test_the_best_of_our_languages_is_chosen(header: str | None, language: str):
    assert preferred_language(header) == language


def test_every_chassis_text_is_written_in_every_language():
    texts = Texts()
    folder = Path("chassis/texts")
    ids = {
        line.split(" = ")[0] for path in folder.glob("*.ftl") for line in path.read_text().splitlines() if " = " in line
    }
    assert ids
    assert [(name, language) for name in ids for language in LANGUAGES if not texts.has(language, name)] == []
