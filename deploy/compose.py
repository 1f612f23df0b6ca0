"""The compose file as the engine reads it: variables put in, anchors resolved; and the secrets it asks for."""

import re
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from chassis.files import FileUnusable, read_whole, write_whole

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docker-compose.yml"
SECRETS = ROOT / ".env"

_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


class Unset(Exception):
    """A variable without which the engine would not start."""


def load(variables: Mapping[str, str]) -> dict[str, Any]:
    """The compose file's document with `variables` put in.

    Raises:
        Unset: the file insists on a variable that is empty or not there.
    """

    def value(match: re.Match[str]) -> str:
        name, rule, text = match.groups()
        given = variables.get(name, "")
        if not given and rule == "?":
            raise Unset(f"{name}: {text}")
        return given or (text if rule == "-" else "")

    def put_in(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: put_in(inner) for key, inner in node.items()}
        if isinstance(node, list):
            return [put_in(inner) for inner in node]
        return _VARIABLE.sub(value, node) if isinstance(node, str) else node

    document: dict[str, Any] = put_in(yaml.safe_load(FILE.read_text()))
    return document


def wanted_secrets() -> list[str]:
    """The variables the file insists on."""
    return list(dict.fromkeys(name for name, rule, _ in _VARIABLE.findall(FILE.read_text()) if rule == "?"))


def write_secrets(path: Path = SECRETS) -> list[str]:
    """Give every wanted secret that `path` does not have yet a value of its own; the names of the new ones.

    Raises:
        FileUnusable: it is there and empty or broken: what it held may open data.
    """
    text = read_whole(path, str, "put it back from a backup; remove it where nothing was started with it yet") or ""
    known = {line.partition("=")[0] for line in text.splitlines()}
    missing = [name for name in wanted_secrets() if name not in known]
    if missing:
        lines = "".join(f"{name}={secrets.token_hex(24)}\n" for name in missing)
        if text and not text.endswith("\n"):
            lines = "\n" + lines
        write_whole(path, text + lines, mode=0o600)
    return missing


if __name__ == "__main__":
    try:
        made = write_secrets()
    except FileUnusable as error:
        sys.exit(str(error))
    print(f"{SECRETS.name}: {f'wrote {len(made)} secrets' if made else 'nothing was missing'}", file=sys.stderr)
