"""A plugin that is broken on purpose, in each of many ways, is caught; the message names the mend.

Each is the package that `brickwork plugin new` writes, with one fault, and with the one assertion
of its contracts that is to catch it. All run in one process, as `brickwork plugin check` runs them.
"""

# ruff: noqa: ISC004  # texts of several lines, a line each

import json
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from brickwork.scaffold import Plan
from brickwork.scaffold.writing import files_of
from brickwork.testing.distributions import entry_points_text


@dataclass(frozen=True)
class Fault:
    """What is wrong with a package.

    Attributes:
        file: In this file of the package; a missing one is made.
        old: What stands there: ``NAME`` is the plugin's name, ``CLASS`` what its classes begin
            with. Empty: the whole file.
        new: What stands there instead.
        caught_by: The class and the assertion that must fail; empty where the contracts cannot
            even be collected.
        told: Words of the message: what is wrong, or what to do.
    """

    file: str
    old: str
    new: str
    caught_by: str
    told: str


_REPR = """    def __repr__(self) -> str:
        return f"CLASSCredentials({self.token.reveal()})"

    def check("""
_CONTENT = """        from brickwork import Finding
        return CheckReport((Finding("ok", "token", "surely"),))
        from brickwork_NAME"""
_TOKEN = (
    '    token: Secret[str] = Field(description="The API token, from the settings of the account.")'
)

_CONNECTS = 'import socket\nsocket.socket().connect_ex(("127.0.0.1", 9))\n_THIS_MACHINE ='

FAULTS = {
    # Packages
    "imports its SDK when it is looked for": Fault(
        *("plugin.py", "from collections.abc", "import http.client\nfrom collections.abc"),
        *("TestPackage::test_discovery_imports_no_vendor_module", "move vendor imports into"),
    ),
    "misspells a hook": Fault(
        *("plugin.py", "def brickwork_blocks", "def brickwork_bloks"),
        *("TestPackage::test_plugins_load", "brickwork_bloks"),
    ),
    "names what is not there": Fault(
        *("plugin.py", ":CLASSStorage", ":CLASSStore"),
        *("TestPackage::test_every_path_leads_to_what_it_should", "CLASSStore"),
    ),
    "claims a scheme that it does not have": Fault(
        *("plugin.py", "def brickwork_storages", "def storages_no_more"),
        *("TestPackage::test_claims_are_kept", "take the claim out"),
    ),
    "takes names of others": Fault(
        *("plugin.py", '"NAME-credentials"', '"other-credentials"'),
        *("TestPackage::test_plugins_load", "other-credentials"),
    ),
    "is for a hook version to come": Fault(
        *("plugin.py", "brickwork_api = 1", "brickwork_api = 99"),
        *("TestPackage::test_plugins_load", "Upgrade Brickwork"),
    ),
    "says nothing of types": Fault(
        "py.typed", "", "", "TestPackage::test_is_typed", "add an empty file py.typed"
    ),
    # Blocks
    "shows its secret in repr": Fault(
        "credentials.py",
        "    def check(",
        _REPR,
        "TestCredentials::test_secrets_never_show",
        "repr",
    ),
    "holds a secret as text": Fault(
        *("credentials.py", _TOKEN, f'{_TOKEN}\n    password: str = Field("", description="X.")'),
        *("TestCredentials::test_secrets_are_typed_as_secrets", "Secret"),
    ),
    "does not describe a field": Fault(
        *("credentials.py", _TOKEN, "    token: Secret[str]"),
        *("TestCredentials::test_it_is_described", "token"),
    ),
    "does I/O at import": Fault(
        *("credentials.py", "_THIS_MACHINE =", _CONNECTS),
        *("TestCredentials::test_importing_the_class_does_no_io", "move it into the method"),
    ),
    "has a field that cannot be stored": Fault(
        *(
            "credentials.py",
            _TOKEN,
            f'{_TOKEN}\n    at: object = Field(object(), description="X.")',
        ),
        *("TestCredentials::test_it_comes_back_equal", "cannot be stored"),
    ),
    "can be changed": Fault(
        *(
            "credentials.py",
            "    def check(",
            _REPR.replace(
                "__repr__(self) -> str", "__setattr__(self, name, value) -> None"
            ).replace(
                'return f"CLASSCredentials({self.token.reveal()})"', "self.__dict__[name] = value"
            ),
        ),
        *("TestCredentials::test_it_cannot_be_changed", "keep the model frozen"),
    ),
    "changes what it saves": Fault(
        *("credentials.py", 'return value.rstrip("/")', 'return value + "/x"'),
        *("TestCredentials::test_it_comes_back_equal", "would not come back"),
    ),
    "forgets what an older release has saved": Fault(
        *("testing/golden/NAME-credentials@1.json", '"timeout_seconds"', '"patience"'),
        *("TestCredentials::test_golden_documents_still_load", "@migration"),
    ),
    "lies in its example": Fault(
        *("credentials.py", "Secret('********')", "Secret('example-token-1234')"),
        *("TestCredentials::test_its_example_does_what_it_says", "Expected"),
    ),
    # Checks
    "is content with any token": Fault(
        *("credentials.py", "        from brickwork_NAME.checking", _CONTENT + ".checking"),
        *("TestCheckOfCredentials::test_a_refused_secret_is_told", "ask the service"),
    ),
    "raises where it should report": Fault(
        *(
            "checking.py",
            "    except CLASSError as error:",
            "    except ZeroDivisionError as error:",
        ),
        *("TestCheckOfCredentials::test_a_service_that_is_not_there_is_told", "must report that"),
    ),
    "does not say what to do": Fault(
        *("checking.py", '"token", error.what, error.fix)', '"token", error.what)'),
        *("TestCheckOfCredentials::test_a_refused_secret_is_told", "what to do next (fix=)"),
    ),
    "shows the token in its report": Fault(
        *(
            "checking.py",
            'Finding("ok", "token", str(me.get("login")))',
            'Finding("ok", "token", credentials.token.reveal())',
        ),
        *("TestCheckOfCredentials::test_reports_show_no_secret", "A secret shows in the report"),
    ),
    "has no time-out in its check": Fault(
        *("client.py", "timeout=max(seconds, 0.001)", "timeout=None"),
        *("TestCheckOfCredentials::test_a_service_that_never_answers_is_told", "took longer than"),
    ),
    "is never tried with a service that is silent": Fault(
        *("testing/contracts.py", "def silent(self, silent_port", "def mute(self, silent_port"),
        *(
            "TestCheckOfCredentials::test_a_service_that_never_answers_is_told",
            "Give a fixture `silent`",
        ),
    ),
    # Tasks
    "is not retried, and does not say why": Fault(
        *("tasks.py", "    retries=3,", "    retries=0,"),
        *("TestListItems::test_retries_or_says_why_not", "Not retried"),
    ),
    "has a parameter of any type": Fault(
        *("tasks.py", "most: int | None = None", "most=None"),
        *("TestListItems::test_every_parameter_is_typed", "annotate most"),
    ),
    "does not describe a parameter": Fault(
        *("tasks.py", "        most: How many at most; all by default.\n", ""),
        *("TestListItems::test_documented", "describe most"),
    ),
    "prints its token": Fault(
        *(
            "tasks.py",
            "    items: list[Item] = []",
            "    print(credentials.token.reveal())\n    items: list[Item] = []",
        ),
        *("TestListItems::test_shows_no_secret", "A secret shows in what it prints"),
    ),
    "loads a library for all who list it": Fault(
        *("tasks.py", "from dataclasses import", "import hypothesis\nfrom dataclasses import"),
        *("TestListItems::test_import_loads_no_sdk", "Import it inside the"),
    ),
    "returns something else when it is awaited": Fault(
        *(
            "tasks.py",
            "    client = credentials.client()",
            "    import threading\n"
            "    most = 1 if threading.current_thread() is threading.main_thread() else None\n"
            "    client = credentials.client()",
        ),
        *("TestListItems::test_aio_gives_the_same", "aio() gave something else"),
    ),
    # Notifiers
    "reports success on 500": Fault(
        *(
            "notifier.py",
            "return _failed(error, DeliveryStatus.FAILED, again=error.never_sent)",
            "return Attempt(DeliveryStatus.DELIVERED)",
        ),
        *("TestNotifier::test_broken_service_is_not_delivered", "500"),
    ),
    "does not wait when it is asked to": Fault(
        *("notifier.py", "again=True, retry_after=wait)", "again=False)"),
        *("TestNotifier::test_rate_limit_is_waited_for", "Retry-After"),
    ),
    "drops what is long": Fault(
        *("notifier.py", '"text": notification.body,', '"text": notification.body[:5],'),
        *("TestNotifier::test_texts_arrive_as_they_are", "did not arrive"),
    ),
    "posts when it is checked": Fault(
        *(
            "notifier.py",
            'self.credentials.client(seconds).json("GET", self._path)',
            'self._post({"title": "t", "text": "x", "severity": "info"}, seconds)',
        ),
        *("TestNotifier::test_check_sends_nothing", "only look, or connect"),
    ),
    # Resolvers
    "resolves what is not there": Fault(
        *(
            "resolver.py",
            'raise ResolveError(f"{reference}: {error.what}", fix=error.fix) from None',
            'return Secret("")',
        ),
        *("TestResolver::test_what_is_missing_is_an_error", "raise ResolveError"),
    ),
    # Storages
    "lists in an order of its own": Fault(
        *(
            "storage.py",
            'yield from map(str, page["keys"])',
            'yield from reversed(list(map(str, page["keys"])))',
        ),
        *("TestStorage::test_keys_are_sorted_and_filtered_by_prefix", "sorted by code point"),
    ),
    "loses a write": Fault(
        *(
            "storage.py",
            '            self.credentials.client().open("PUT", path',
            '            False and self.credentials.client().open("PUT", path',
        ),
        *("TestStorage::test_read_returns_what_was_written", "which must make it"),
    ),
    "allows ..": Fault(
        *("storage.py", "quote(check_key(key), safe='')", "quote(key, safe='')"),
        *("TestStorage::test_bad_keys_are_refused", "call check_key(key) first"),
    ),
    "overwrites what it should not": Fault(
        *("storage.py", "        if if_absent:\n", "        if False:\n"),
        *("TestStorage::test_write_if_absent_refuses_to_overwrite", "KeyExists"),
    ),
    "stops after the first page": Fault(
        *("storage.py", 'if not page.get("next"):', "if page:"),
        *("TestStorage::test_listing_goes_beyond_one_page", "to its last page"),
    ),
    "says nothing where there is nothing": Fault(
        *(
            "storage.py",
            "        except CLASSNotFound:\n            raise KeyNotFound(",
            "        except CLASSNotFound:\n            raise ValueError(",
        ),
        *("TestStorage::test_missing_object_raises_key_not_found", "must raise KeyNotFound"),
    ),
    "minds deleting twice": Fault(
        "storage.py",
        '            self.credentials.client().open("DELETE", path)',
        '            self.stat(key)\n            self.credentials.client().open("DELETE", path)',
        "TestStorage::test_delete_is_idempotent",
        "deleting what is not there is fine",
    ),
    "holds whole objects in memory": Fault(
        *(
            "storage.py",
            'return BufferedReader(_Body(self.credentials.client().open("GET", path), key))',
            'import io\n            body = self.credentials.client().open("GET", path)\n'
            "            return io.BytesIO(body.read())",
        ),
        *("TestStorage::test_streams_need_constant_memory", "do not collect the whole"),
    ),
    # Contracts
    "replaces an assertion": Fault(
        *(
            "testing/contracts.py",
            "class TestCheckOfCredentials(",
            "class TestLoose(BlockContract):\n"
            "    def test_slug(self, block):\n        pass\n\n\nclass TestCheckOfCredentials(",
        ),
        *("", 'mark it @pytest.mark.xfail(reason="why it cannot hold here")'),
    ),
    "excuses an assertion without a reason": Fault(
        *(
            "testing/contracts.py",
            "class TestCheckOfCredentials(",
            "class TestLoose(BlockContract):\n"
            "    @pytest.mark.xfail\n    def test_slug(self, block):\n        pass\n\n\n"
            "class TestCheckOfCredentials(",
        ),
        *("", "replaces an assertion of its contract"),
    ),
}
NUMBERS = {what: number for number, what in enumerate(FAULTS, start=1)}


def plan_of(what: str) -> Plan:
    """Return the plan of the package with a fault; its name occurs in no other."""
    return Plan.of(f"broken{NUMBERS[what]:02}")


def named(text: str, plan: Plan) -> str:
    """Return a text with the names of a package."""
    return text.replace("NAME", plan.name).replace("CLASS", plan.class_prefix)


def write_broken(what: str, folder: Path) -> Path:
    """Write a package as if pip had installed it, and the module that runs its contracts."""
    fault, plan = FAULTS[what], plan_of(what)
    package = f"brickwork_{plan.name}"
    written = {name: text for name, text in files_of(plan).items() if name.startswith("src/")}
    for name, text in written.items():
        path = folder / name.removeprefix("src/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if name == f"src/{package}/{named(fault.file, plan)}":
            if not fault.old:
                continue
            old = named(fault.old, plan)
            assert old in text, f"{what}: {old!r} does not stand in {fault.file}"
            text = text.replace(old, named(fault.new, plan))
        path.write_text(text, encoding="utf-8")
    project = tomllib.loads(files_of(plan)["pyproject.toml"])["project"]
    info = folder / f"{package}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {project['name']}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(entry_points_text(project["entry-points"]))
    module = folder / f"test_{plan.name}.py"
    module.write_text(f"from {package}.testing.contracts import *\n")
    return module


# A check that hangs is waited for a shorter time than by default, so that the tests are not long.
_CHOOSE = """
def pytest_collection_modifyitems(items):
    from brickwork.testing import CheckContract
    CheckContract.check_seconds = 8.0
    items[:] = [item for item in items if item.nodeid.partition("[")[0] in {wanted}]
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run the assertions that are to catch the faults; return what each said."""
    folder = tmp_path_factory.mktemp("broken")
    record = folder / "record.jsonl"
    record.touch()
    (folder / "pytest.ini").write_text("[pytest]\n")
    modules = [str(write_broken(what, folder)) for what in FAULTS]
    wanted = [f"test_{plan_of(what).name}.py::{fault.caught_by}" for what, fault in FAULTS.items()]
    (folder / "conftest.py").write_text(_CHOOSE.format(wanted=tuple(wanted)))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "brickwork.levels.recorder"]
    command += [f"--brickwork-record={record}", "-c", str(folder / "pytest.ini")]
    command += ["-p", "no:cacheprovider", f"--rootdir={folder}", "--continue-on-collection-errors"]
    done = subprocess.run(
        [*command, *modules],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "BRICKWORK_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return {what: _said(record.read_text().splitlines(), plan_of(what).name) for what in FAULTS}


def _said(lines: list[str], name: str) -> str:
    """Return what was said of the package of a name; empty if nothing failed."""
    said = []
    for record in map(json.loads, lines):
        if record.get("module") == f"test_{name}.py":
            found = record.get("assertion", {"outcome": "failed", "said": record.get("trouble")})
            said += [found["said"]] if found["outcome"] == "failed" else []
    return "\n".join(said)


@pytest.mark.server
@pytest.mark.parametrize("what", FAULTS)
def test_a_broken_plugin_is_caught(what: str, told: dict[str, str]) -> None:
    """By the assertion meant for it, in words that say what to mend."""
    assert told[what], f"nothing has caught a plugin that {what}"
    assert named(FAULTS[what].told, plan_of(what)) in told[what]


def test_there_are_many_kinds_of_faults() -> None:
    """More than any one author has made."""
    assert len(FAULTS) >= 30
