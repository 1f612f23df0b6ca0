"""The tables of docs/settings.md, made from the settings as they are declared.

python -m deploy.settings_page --write    puts them into the page
python -m deploy.settings_page --check    ends with status 1 where the page holds others
"""

import json
import re
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python
from pydantic_settings import BaseSettings

from chassis.service import NEEDED_BY_ALL, NEEDED_IN_PRODUCTION
from chassis.settings import Settings, variable
from rekku.provisioning import Administration
from rekku.services import SERVICES, load

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"
_HEAD = ("| variable | otherwise | secret | needed by | meaning |", "|---|---|---|---|---|")
_TABLE = "<!-- {}: made by `make settings` -->\n{}\n<!-- end -->"
_OF_SETTINGS, _OF_PROVISIONING = "settings", "provisioning"


def tables() -> dict[str, str]:
    """Each table of the page by its name."""
    needs = {name: load(name).needs for name in SERVICES}
    return {
        _OF_SETTINGS: _table(Settings, {name: _needed_by(name, needs) for name in Settings.model_fields}),
        _OF_PROVISIONING: _table(
            Administration,
            {name: "`rekku provision`" for name, one in Administration.model_fields.items() if one.is_required()},
        ),
    }


def with_tables(page: str) -> str:
    """The page with its tables as they should be."""
    for name, table in tables().items():
        old = re.search(_TABLE.format(name, ".*?"), page, re.DOTALL)
        if old is None:
            raise ValueError(f"docs/settings.md has no place for the table {name}")
        page = page.replace(old[0], _TABLE.format(name, table))
    return page


def _table(settings: type[BaseSettings], needed: dict[str, str]) -> str:
    rows = (_row(name, one, needed.get(name, "")) for name, one in settings.model_fields.items())
    return "\n".join((*_HEAD, *rows))


def _row(name: str, field: FieldInfo, needed: str) -> str:
    secret = "yes" if _holds_secrets(field) else ""
    return f"| `{variable(name)}` | {_otherwise(field)} | {secret} | {needed} | {field.description} |"


def _holds_secrets(field: FieldInfo) -> bool:
    return "SecretStr" in str(field.annotation)


def _otherwise(field: FieldInfo) -> str:
    if field.is_required():
        return ""
    return "" if (text := _text_of(field.get_default())) == "" else f"`{text}`"


def _text_of(value: Any) -> str:
    if value is None or isinstance(value, SecretStr | BaseModel) or value in ("", (), {}):
        return ""
    if isinstance(value, Enum | Path):
        return str(value)
    if isinstance(value, dict):
        plain = to_jsonable_python(value)
        return json.dumps({key: sorted(each) for key, each in plain.items()})
    return str(value).lower() if isinstance(value, bool) else str(value)


def _needed_by(name: str, needs: dict[str, tuple[str, ...]]) -> str:
    return "; ".join(_whose(name, needs))


def _whose(name: str, needs: dict[str, tuple[str, ...]]) -> Iterator[str]:
    if name in NEEDED_BY_ALL:
        yield "every service"
        return
    if named := [service for service, own in needs.items() if name in own]:
        yield ", ".join(named)
    if name in NEEDED_IN_PRODUCTION:
        yield "in production every service"


def main(arguments: list[str]) -> int:
    """Write or check; the exit status."""
    page = PAGE.read_text()
    wanted = with_tables(page)
    if arguments == ["--write"]:
        PAGE.write_text(wanted)
    elif wanted != page:
        print("not current: docs/settings.md (make settings)", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
