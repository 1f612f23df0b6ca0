"""What is kept goes through chassis/files.py: whatever else of the product touches a file has its reason here."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = ("contracts", "chassis", "services", "rekku", "deploy")
METHODS = {"read_text", "read_bytes", "write_text", "write_bytes", "open", "rename", "touch"}
FUNCTIONS = {
    *("os.open", "os.fdopen", "os.replace", "os.rename", "os.link", "os.truncate"),
    *("json.dump", "json.load", "shutil.copy", "shutil.copyfile", "shutil.copy2", "shutil.move"),
    *("tempfile.NamedTemporaryFile", "tempfile.TemporaryFile", "tempfile.mkstemp"),
}

ALLOWED = {
    "these are the shared functions": {
        "chassis/files.py::write_whole",
        "chassis/files.py::create_whole",
        "chassis/files.py::_written_beside",
        "chassis/files.py::_sync_folder",
        "chassis/files.py::read_whole",
    },
    "whoever operates the process puts it there; one that is broken leaves what was read before": {
        "chassis/certificates.py::_digest",
        "chassis/certificates.py::_shown",
    },
    "it comes with the code, and whoever installs that": {
        "chassis/kafka/jars.py::jars_folder",
        "chassis/kafka/jars.py::_run_maven",
        "chassis/migrate.py::_read",
        "chassis/texts.py::_bundle",
        "contracts/municipalities.py::_rows",
        "rekku/rules.py::_page",
        "services/decisions/reasonings/catalogue.py::_read",
        "services/decisions/statistics/files.py::",
        "services/decisions/statistics/reported.py::read_tables",
        "services/gateway/events_pages.py::_raw",
        "services/gateway/wording.py::Wording.__init__",
        "services/registration/choices/questions.py::_documents",
        "services/registration/descriptions.py::read_descriptions",
    },
    "it is for who works on the code, whose files are under version control": {
        "contracts/asyncapi.py::document_problems",
        "deploy/settings_page.py::main",
        "contracts/asyncapi.py::write_document",
        "contracts/asyncapi.py::_example",
        "contracts/checks.py::schema_problems",
        "contracts/checks.py::read_example",
        "contracts/checks.py::write",
        "contracts/compatibility.py::kept_revisions",
        "contracts/compatibility.py::keep_revisions",
        "contracts/kept.py::read_manifest",
        "contracts/kept.py::enter_new",
        "contracts/kept.py::_digests",
        "deploy/check.py::compose_problems",
        "deploy/check.py::kustomization_problems",
        "deploy/check.py::checks",
        "deploy/compose.py::_parsed",
        "deploy/compose.py::wanted_secrets",
        "deploy/generate.py::stale",
        "deploy/generate.py::main",
        "deploy/locked.py::main",
        "deploy/strimzi.py::definitions",
        "chassis/failpoints.py::_Armed.reach",
        "chassis/testing.py::ClusterUnderTest.settings",
    },
    "the tools of Apache Kafka make it, and it gets its name in one step; who finds it broken makes it anew": {
        "chassis/kafka/cluster.py::_keep_classes",
        "chassis/kafka/kept.py::keep_formatted",
        "chassis/kafka/kept.py::format_as_kept",
    },
    "it is a log": {
        "chassis/embedded.py::_Log.complaint",
        "chassis/kafka/cluster.py::Broker._run_java",
        "rekku/nursery.py::Nursery.open",
        "rekku/nursery.py::_become",
        "rekku/processes.py::Program.start",
    },
    "a folder that was written elsewhere gets its name in one step": {
        "chassis/kafka/jars.py::fetch_jars",
        "deploy/strimzi.py::_write",
    },
    "it holds a lock, and nothing is written": {"rekku/home.py::Home.locked", "chassis/kafka/kept.py::alone"},
    "it is no file that is kept: output that nobody takes": {"rekku/cli.py::_forget_output"},
    "each message was made whole by its gateway, and the demo only looks at them": {
        "rekku/demo/surveys.py::Phones.look",
    },
}


def accesses(source, path):
    """Where a file is read, written or renamed: `path::Class.function`."""

    def within(node, place):
        for child in ast.iter_child_nodes(node):
            inner = place
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                inner = f"{place}.{child.name}".lstrip(".")
            # Files are not awaited: what is, is another `open`.
            if isinstance(child, ast.Call) and not isinstance(node, ast.Await) and touches_a_file(child.func):
                yield f"{path}::{inner}"
            yield from within(child, inner)

    yield from within(ast.parse(source), "")


def touches_a_file(function):
    name = ast.unparse(function)
    return name == "open" or name in FUNCTIONS or (isinstance(function, ast.Attribute) and function.attr in METHODS)


def found():
    return {
        place
        for part in PRODUCT
        for path in sorted((ROOT / part).rglob("*.py"))
        for place in accesses(path.read_text(), path.relative_to(ROOT).as_posix())
    }


def test_whatever_is_kept_goes_through_the_shared_functions():
    allowed = set().union(*ALLOWED.values())
    assert sum(map(len, ALLOWED.values())) == len(allowed)
    places = found()
    assert sorted(places - allowed) == [], "read_whole, write_whole, create_whole, or a reason above"
    assert sorted(allowed - places) == [], "nothing is read or written there any more"


@pytest.mark.parametrize(
    "line",
    [
        'path.write_text("x")',
        'path.write_bytes(b"x")',
        "json.loads(path.read_text())",
        "Model.model_validate_json(Path(name).read_bytes())",
        'open(path, "w").write("x")',
        '(home / "x").open("w")',
        "os.fdopen(os.open(path, os.O_CREAT))",
        "json.dump(value, file)",
        "shutil.copy(here, there)",
    ],
)
def test_a_file_read_or_written_on_the_side_is_found(line):
    """Negative control: each way of doing it."""
    source = f"class Home:\n    async def keep(self):\n        return {line}\n"
    assert set(accesses(source, "rekku/home.py")) == {"rekku/home.py::Home.keep"}
    assert "rekku/home.py::Home.keep" not in set().union(*ALLOWED.values())


def test_what_only_sounds_like_it_is_not():
    source = (
        'async def f(vault):\n    await vault.open("C-1")\n    name.replace("a", "b")\n    write_whole(path, "x")\n'
    )
    assert list(accesses(source, "x.py")) == []
