"""Texts in Finnish, Swedish and English, from Fluent files."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from fluent.runtime import FluentBundle, FluentResource

LANGUAGES = ("fi", "sv", "en")
DEFAULT_LANGUAGE = "fi"
_CHASSIS = Path(__file__).parent / "texts"


class Texts:
    """The texts of one service, over those of the chassis."""

    def __init__(self, *folders: Path) -> None:
        self._bundles = {language: _bundle(language, (_CHASSIS, *folders)) for language in LANGUAGES}

    def text(self, language: str, message_id: str, values: Mapping[str, object] | None = None) -> str:
        """The message in `language`; a message nobody wrote shows its own id."""
        bundle = self._bundles[language]
        if not bundle.has_message(message_id):
            return message_id
        pattern = bundle.get_message(message_id).value
        if pattern is None:
            return message_id
        shown = {name: _shown(value) for name, value in (values or {}).items()}
        formatted, _ = bundle.format_pattern(pattern, shown)
        return str(formatted)

    def has(self, language: str, message_id: str) -> bool:
        """True where the message is written in `language`."""
        return bool(self._bundles[language].has_message(message_id))


@cache
def _bundle(language: str, folders: tuple[Path, ...]) -> FluentBundle:
    bundle = FluentBundle([language], use_isolating=False)
    for folder in folders:
        path = folder / f"{language}.ftl"
        if path.exists():
            bundle.add_resource(FluentResource(path.read_text()), allow_overrides=True)
    return bundle


def _shown(value: object) -> str:
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(map(str, value))
    return str(value)


def preferred_language(accept_language: str | None) -> str:
    """The best of our languages for an Accept-Language header; Finnish when none fits."""
    wanted = []
    for part in (accept_language or "").split(","):
        tag, _, parameters = part.strip().partition(";")
        try:
            quality = float(parameters.strip().removeprefix("q=")) if parameters else 1.0
        except ValueError:
            quality = 0.0
        wanted.append((-quality, tag.strip().lower().split("-")[0]))
    ranked = sorted(wanted, key=lambda item: item[0])
    return next((tag for quality, tag in ranked if tag in LANGUAGES and quality < 0), DEFAULT_LANGUAGE)


def text_id(code: str) -> str:
    """The message id of a refusal code: COURSE_FULL is `course-full`."""
    return code.lower().replace("_", "-")
