"""`make deploy-check`: what it says of the files as they are, and that each check notices a misspelling."""

import dataclasses

import pytest

from deploy import check, generate, strimzi

CHECKS = list(check.checks())


@pytest.mark.parametrize("one", CHECKS, ids=lambda one: one.name)
def test_the_files_hold_and_a_misspelt_copy_is_refused(one):
    assert one.misspellings
    assert one.run() == []


def test_a_check_that_notices_nothing_is_itself_a_problem():
    """Negative control of the controls."""
    blind = dataclasses.replace(CHECKS[0], problems=lambda text: [])
    assert blind.run() == ["COPPY instead of COPY was not noticed"]
    idle = dataclasses.replace(CHECKS[0], misspellings=(("nowhere in it", "x"),))
    assert idle.run() == ["the control has nothing to misspell: nowhere in it"]


def test_a_change_in_the_declarations_makes_the_manifests_stale(tmp_path):
    assert list(generate.stale()) == []
    for path, text in generate.files().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text.replace("partitions: 4", "partitions: 8"))
    assert [str(path) for path in generate.stale(tmp_path)] == ["base/kafka/topics.yaml"]
    (tmp_path / "base/kafka/users.yaml").unlink()
    assert len(list(generate.stale(tmp_path))) == 2


DEFINITION = {
    "Thing": {
        "spec": {
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "apiVersion": {"type": "string"},
                                "kind": {"type": "string"},
                                "metadata": {"type": "object"},
                                "spec": {
                                    "type": "object",
                                    "required": ["size"],
                                    "properties": {
                                        "size": {"x-kubernetes-int-or-string": True},
                                        "config": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                                        "parts": {
                                            "type": "array",
                                            "items": {"type": "object", "properties": {"name": {"type": "string"}}},
                                        },
                                        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                                    },
                                },
                            },
                        }
                    },
                },
                {"name": "v1beta1", "served": False, "schema": {"openAPIV3Schema": {}}},
            ]
        }
    }
}


@pytest.mark.parametrize(
    ("spec", "version", "problem"),
    [
        ({"size": 3}, "v1", None),
        ({"size": "3Gi", "config": {"any.thing": 1}, "labels": {"any": "thing"}, "parts": [{"name": "a"}]}, "v1", None),
        ({"size": 3, "sise": 3}, "v1", "'sise' was unexpected"),
        ({"size": 3, "parts": [{"nam": "a"}]}, "v1", "'nam' was unexpected"),
        ({"size": 3, "labels": {"any": 1}}, "v1", "not of type 'string'"),
        ({"size": [3]}, "v1", "not of type"),
        ({}, "v1", "'size' is a required property"),
        ({"size": 3}, "v1beta1", "v1beta1 is not served"),
    ],
)
def test_a_custom_resource_is_read_as_strictly_as_a_cluster_would(spec, version, problem):
    resource = {"apiVersion": f"things/{version}", "kind": "Thing", "metadata": {"name": "one"}, "spec": spec}
    found = list(strimzi.problems(resource, DEFINITION))
    assert found == [] if problem is None else len(found) == 1 and problem in found[0]
