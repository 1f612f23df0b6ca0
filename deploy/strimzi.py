"""The definitions of Strimzi's resources, written by Strimzi's own generator from the artifacts of its release.

The release is that of `strimzi-pom.xml`; Maven brings the artifacts, and Java 21 or newer runs the
generator. What it wrote is kept in the user's cache, by the pom's hash.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from deploy.compose import LOADER

Schema = dict[str, Any]

_POM = Path(__file__).with_name("strimzi-pom.xml")
_JAVA = 21
_GENERATOR = "io.strimzi.crdgenerator.CrdGenerator"
_MODEL = "io.strimzi.api.kafka.model"
_CLASSES = {
    "Kafka": f"{_MODEL}.kafka.Kafka",
    "KafkaNodePool": f"{_MODEL}.nodepool.KafkaNodePool",
    "KafkaTopic": f"{_MODEL}.topic.KafkaTopic",
    "KafkaUser": f"{_MODEL}.user.KafkaUser",
}


class StrimziUnavailable(Exception):
    """The definitions cannot be had here; the message says what is missing."""


def definitions() -> dict[str, Schema]:
    """The custom resource definitions by kind.

    Raises:
        StrimziUnavailable: no Maven, no Java that is new enough, or no way to the artifacts.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rekku"
    home = cache / f"strimzi-{hashlib.sha256(_POM.read_bytes()).hexdigest()[:16]}"
    if not home.exists():
        _write(home)
    return {kind: yaml.load((home / f"{kind}.yaml").read_text(), Loader=LOADER) for kind in _CLASSES}  # noqa: S506


def _write(home: Path) -> None:
    maven, java = shutil.which("mvn"), _java()
    if maven is None:
        raise StrimziUnavailable("Maven (mvn) is missing")
    if java is None:
        raise StrimziUnavailable(f"Java {_JAVA} or newer is missing: JAVA_HOME, PATH and /usr/lib/jvm were searched")
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as folder:
        jars, fresh = Path(folder) / "jars", Path(folder) / "fresh"
        fresh.mkdir()
        _run(
            *(maven, "-q", "-B", "-f", str(_POM), "dependency:copy-dependencies"),
            *("-DincludeScope=runtime", f"-DoutputDirectory={jars}"),
        )
        wanted = [f"{name}={fresh / kind}.yaml" for kind, name in _CLASSES.items()]
        _run(java, "-cp", f"{jars}/*", _GENERATOR, "--yaml", *wanted)
        fresh.rename(home)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StrimziUnavailable(f"{Path(command[0]).name} failed: {(done.stdout + done.stderr).strip()[-500:]}")


def _java() -> str | None:
    """The first Java that is new enough."""
    home = os.environ.get("JAVA_HOME")
    candidates = [f"{home}/bin/java"] if home else []
    candidates += [shutil.which("java") or "", *map(str, sorted(Path("/usr/lib/jvm").glob("*/bin/java")))]
    return next((java for java in candidates if Path(java).is_file() and _version(java) >= _JAVA), None)


def _version(java: str) -> int:
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    match = re.search(r'version "(\d+)', said)
    return int(match[1]) if match else 0


def closed(schema: Schema) -> Schema:
    """The schema as the API server reads it with strict field validation: unknown fields are refused.

    Rules in CEL (`x-kubernetes-validations`) are not part of JSON Schema and are left to the cluster.
    """
    node = {key: value for key, value in schema.items() if not key.startswith("x-kubernetes-")}
    if "properties" in schema:
        node["properties"] = {name: closed(inner) for name, inner in schema["properties"].items()}
        if "additionalProperties" not in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
            node["additionalProperties"] = False
    if isinstance(schema.get("items"), dict):
        node["items"] = closed(schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        node["additionalProperties"] = closed(schema["additionalProperties"])
    if schema.get("x-kubernetes-int-or-string"):
        node["type"] = ["integer", "string"]
    return node


def problems(resource: dict[str, Any], known: dict[str, Schema]) -> Iterator[str]:
    """What is wrong with one of Strimzi's resources."""
    kind, name = resource["kind"], resource["metadata"]["name"]
    version = resource["apiVersion"].rpartition("/")[2]
    served = {v["name"]: v["schema"]["openAPIV3Schema"] for v in known[kind]["spec"]["versions"] if v["served"]}
    if version not in served:
        yield f"{kind} {name}: {version} is not served, but {', '.join(served)}"
        return
    for error in jsonschema.Draft202012Validator(closed(served[version])).iter_errors(resource):
        yield f"{kind} {name}: {'.'.join(map(str, error.absolute_path))}: {error.message}"
