"""Check everything that puts the system on machines, without an engine and without a cluster.

Each check has its own control: a copy with one word misspelt has to be refused, or the check has
failed. `--without-strimzi` leaves out what needs Maven and Java 21, and says so.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

from deploy import compose, generate, strimzi

_BIN = Path(sys.executable).parent
_KUBERNETES = "1.37"
_STRIMZI_GROUP = "kafka.strimzi.io/"
APPLIED = ("example", "provision", "subscriber")
"""The folders of deploy/kubernetes that are applied; `example` stands on `base`."""


@dataclass(frozen=True)
class Check:
    """A text, what is wrong with it, and misspellings (as is, misspelt) that have to be noticed."""

    name: str
    text: str
    problems: Callable[[str], list[str]]
    misspellings: tuple[tuple[str, str], ...]

    def run(self) -> list[str]:
        """What is wrong with the text, or with the check."""
        found = self.problems(self.text)
        return found or [problem for old, new in self.misspellings for problem in self._control(old, new)]

    def _control(self, old: str, new: str) -> Iterator[str]:
        if old not in self.text:
            yield f"the control has nothing to misspell: {old}"
        elif not self.problems(self.text.replace(old, new, 1)):
            yield f"{new} instead of {old} was not noticed"


def _said(*command: str | Path, stdin: str | None = None) -> list[str]:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip().splitlines() or ["failed"] if done.returncode else []


def dockerfile_problems(text: str) -> list[str]:
    """What hadolint says of a Dockerfile."""
    return _said(_BIN / "hadolint", "-", stdin=text)


def compose_problems(text: str) -> list[str]:
    """What the Compose specification's own schema says of a compose file."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write(text)
        file.flush()
        return _said(_BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", file.name)


def kustomization_problems(text: str) -> list[str]:
    """What kustomize says of `text` as the example's kustomization."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(generate.KUBERNETES, folder, dirs_exist_ok=True)
        (Path(folder) / "example" / "kustomization.yaml").write_text(text)
        return _said(_BIN / "kubectl", "kustomize", Path(folder) / "example")


@cache
def built() -> str:
    """Everything that is applied to a cluster, as kustomize builds it."""
    texts = []
    for name in APPLIED:
        command = [str(_BIN / "kubectl"), "kustomize", str(generate.KUBERNETES / name)]
        texts.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return "---\n".join(texts)


def resources(text: str) -> list[dict[str, Any]]:
    """The resources of a stream of YAML documents."""
    return [resource for resource in yaml.load_all(text, Loader=compose.LOADER) if resource]


def kubernetes_problems(text: str) -> list[str]:
    """What Kubernetes' own schemas, unknown fields refused, say of the resources that are not Strimzi's."""
    return [problem for document in text.split("\n---\n") for problem in _problems_of_document(document)]


@cache
def _problems_of_document(document: str) -> list[str]:
    """Of one document: copies with a word misspelt share all the others."""
    found = []
    for resource in resources(document):
        if resource["apiVersion"].startswith(_STRIMZI_GROUP):
            continue
        try:
            kubernetes_validate.validate(resource, _KUBERNETES, strict=True)
        except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
            found.append(f"{resource['kind']} {resource['metadata']['name']}: {error.message}")
    return found


def strimzi_problems(text: str, known: dict[str, strimzi.Schema]) -> list[str]:
    """What Strimzi's definitions, unknown fields refused, say of its resources."""
    ours = (resource for resource in resources(text) if resource["apiVersion"].startswith(_STRIMZI_GROUP))
    return [problem for resource in ours for problem in strimzi.problems(resource, known)]


def checks() -> Iterator[Check]:
    """Every check that needs nothing but Python packages."""
    root = compose.ROOT
    yield Check("Dockerfile (hadolint)", (root / "Dockerfile").read_text(), dockerfile_problems, (("COPY", "COPPY"),))
    yield Check(
        "docker-compose.yml (the Compose specification's schema)",
        compose.FILE.read_text(),
        compose_problems,
        (("healthcheck:", "heathcheck:"), ("service_completed_successfully", "service_completed")),
    )
    yield Check(
        "deploy/kubernetes (kubectl kustomize)",
        (generate.KUBERNETES / "example" / "kustomization.yaml").read_text(),
        kustomization_problems,
        (("configMapGenerator:", "configMapGenerater:"), ("- ../base", "- ../bass")),
    )
    yield Check(
        f"deploy/kubernetes (the schemas of Kubernetes {_KUBERNETES}, strict)",
        built(),
        kubernetes_problems,
        (
            ("readinessProbe:", "readynessProbe:"),
            ("scheme: HTTPS", "schema: HTTPS"),
            ("secretName: rekku-courses-tls", "secret: rekku-courses-tls"),
            ("minAvailable: 1", "minAvailable: [1]"),
            ("podSelector:", "podSelecter:"),
            ("ttlSecondsAfterFinished:", "ttlSecondsAfterFinish:"),
        ),
    )


def strimzi_check() -> Check:
    """The check of Strimzi's resources.

    Raises:
        StrimziUnavailable: its definitions cannot be had here.
    """
    known = strimzi.definitions()
    return Check(
        "deploy/kubernetes (Strimzi's custom resource definitions, strict)",
        built(),
        lambda text: strimzi_problems(text, known),
        (
            ("partitions:", "partitons:"),
            ("patternType: literal", "patternTyp: literal"),
            ("patternType: prefix", "patternType: prefixed"),
            ("listeners:", "listners:"),
            ("kraftMetadata: shared", "kraftMetadata: common"),
            ("kafka.strimzi.io/v1\n", "kafka.strimzi.io/v1beta2\n"),
        ),
    )


def main(arguments: list[str]) -> int:
    """Run every check; the exit status."""
    found = {"generated manifests": [f"not current: {path} (make manifests)" for path in generate.stale()]}
    found |= {check.name: check.run() for check in checks()}
    if "--without-strimzi" in arguments:
        print("LEFT OUT: Strimzi's custom resource definitions (Maven and Java 21 would be needed)")
    else:
        try:
            check = strimzi_check()
            found[check.name] = check.run()
        except strimzi.StrimziUnavailable as error:
            found["Strimzi's custom resource definitions"] = [f"{error}; --without-strimzi leaves them out"]
    for name, problems in found.items():
        print(f"{'NOT OK' if problems else 'ok':6} {name}", *problems, sep="\n       ")
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
