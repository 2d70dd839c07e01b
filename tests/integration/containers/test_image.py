"""What is in a member's image, and what its process may do."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from packaging.requirements import Requirement
from running_containers import ALSO, COMMIT, MEMBERS, ROOT, Containers, state
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

RESTRICTED = [
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges:true",
]
NEEDS = {
    "gateway": ["core"],
    "codec-server": ["core"],
    "brain": ["core"],
    "harvest": ["core", "brain"],
    "gardener": ["core", "brain"],
    "sandbox": ["core", "brain"],
    "cli": ["core", "brain", "gateway", "codec-server", "harvest", "gardener", "sandbox"],
}
EVERY_DISTRIBUTION = """
import json, sys
from importlib.metadata import distributions
folders = {*sys.path, sys.base_prefix + "/lib/python3/dist-packages"}
folders |= {f"{p}/lib/python{sys.version_info[0]}.{sys.version_info[1]}/{kind}-packages"
            for p in (sys.base_prefix, "/usr/local") for kind in ("site", "dist")}
found = distributions(path=sorted(folders))
print(json.dumps({d.metadata["Name"]: d.version for d in found}))
"""
MARKERS = """
import json, os, platform, sys
print(json.dumps({
    "implementation_name": sys.implementation.name, "os_name": os.name,
    "platform_machine": platform.machine(), "platform_system": platform.system(),
    "platform_python_implementation": platform.python_implementation(),
    "python_full_version": platform.python_version(),
    "python_version": ".".join(platform.python_version_tuple()[:2]),
    "sys_platform": sys.platform,
}))
"""
WITHOUT_BYTECODE = """
import importlib.util, pathlib, sysconfig
folders = [sysconfig.get_path("purelib"), sysconfig.get_path("stdlib")]
print([str(path) for name in ("contextworker", "temporalio", "pydantic", "asyncio", "json")
       for folder in folders for path in pathlib.Path(folder, name).rglob("*.py")
       if not pathlib.Path(importlib.util.cache_from_source(path)).exists()])
"""


def docker_run(
    image: str, *command: str, entrypoint: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run an image as deployments do, with another entry point where one is given."""
    options = [*RESTRICTED, *(f"--env={key}={value}" for key, value in variables.items())]
    if entrypoint:
        options.append(f"--entrypoint={entrypoint}")
    return subprocess.run(
        ["docker", "run", "--rm", *options, image, *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def python(image: str, code: str) -> str:
    """Run Python code in an image; returns what it printed."""
    done = docker_run(image, "-c", code, entrypoint="python")
    assert 0 == done.returncode, done.stderr
    return done.stdout


def locked(member: str, environment: dict[str, str]) -> dict[str, str]:
    """Return what uv.lock names for a member, without the members themselves, by name."""
    command = ["uv", "export", "--quiet", "--frozen", "--no-dev", "--no-hashes", "--no-annotate"]
    names = [member, *ALSO.get(member, "").split()]
    exported = subprocess.run(
        [*command, "--no-emit-workspace", *(f"--package=contextworker-{name}" for name in names)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    wanted = [Requirement(line) for line in exported.splitlines() if not line.startswith("#")]
    return {
        _normal(one.name): str(one.specifier).removeprefix("==")
        for one in wanted
        if one.marker is None or one.marker.evaluate(environment)
    }


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("member", MEMBERS)
def test_an_image_holds_its_member_and_nothing_else(images: Mapping[str, str], member: str) -> None:
    """Exactly what uv.lock names for it: no other module, no installer, no compiler, no tests."""
    image = images[member]
    found = {
        _normal(name): version
        for name, version in json.loads(python(image, EVERY_DISTRIBUTION)).items()
    }
    ours = {name for name in found if name.startswith("contextworker-")}
    tools = docker_run(
        image, "-c", "command -v pip pip3 uv gcc cc make git curl", entrypoint="sh"
    ).stdout

    assert locked(member, json.loads(python(image, MARKERS))) == {
        name: version for name, version in found.items() if name not in ours
    }
    assert {f"contextworker-{name}" for name in (member, *NEEDS[member])} == ours
    assert "" == tools


@pytest.mark.parametrize("member", MEMBERS)
def test_an_image_starts_without_compiling(images: Mapping[str, str], member: str) -> None:
    """The bytecode is there: on a read-only root it could not be kept."""
    assert "[]" == python(images[member], WITHOUT_BYTECODE).strip()


def test_an_image_has_the_codec_compiled(images: Mapping[str, str]) -> None:
    """Figures that are published hold for what is deployed; without it nothing else would fail."""
    assert "None" != python(
        images["gateway"], "from contextcore import payload; print(payload._native, end='')"
    )


def test_the_image_of_the_command_line_runs_commands(images: Mapping[str, str]) -> None:
    """Whole: a module made by it has the same files as one made here."""
    made = docker_run(
        images["cli"],
        "-c",
        "python -m contextworker.cli new-module stock --standalone --into /tmp >&2"
        " && cd /tmp && find stock -type f",
        entrypoint="sh",
    )
    with TemporaryDirectory() as folder:
        command = ["contextworker", "new-module", "stock", "--standalone", "--into", folder]
        subprocess.run(command, capture_output=True, check=True)
        here = {str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file()}

    assert 0 == made.returncode, made.stderr
    assert here == set(made.stdout.splitlines())


def test_the_image_of_the_sandbox_runs_code(images: Mapping[str, str]) -> None:
    """Its user finds the interpreter and may start it, on a root that nobody can write to."""
    code = (
        "from pydantic_monty import Monty\n"
        "with Monty() as pool, pool.checkout() as session:\n"
        "    print(session.feed_run('6 * 7'))\n"
    )

    assert "42\n" == python(images["sandbox"], code)


def test_a_worker_is_confined(containers: Containers) -> None:
    """Process 1 is Python, not root, without a capability, and can write nowhere but in /tmp."""
    with containers.worker("harvest") as worker:
        seen = {
            question: worker.exec(["sh", "-c", question]).output.decode().strip()
            for question in (
                "tr '\\0' ' ' </proc/1/cmdline",
                "id -u; id -g",
                "grep -E '^(CapEff|NoNewPrivs)' /proc/1/status",
                "touch /tmp/here && echo written",
                "touch /opt/venv/there /there /etc/there /home/there; echo",
            )
        }

    process, identity, rights, inside, outside = seen.values()
    assert "python -m contextworker.harvest" == process
    assert "10001\n10001" == identity
    assert "CapEff:\t0000000000000000\nNoNewPrivs:\t1" == rights
    assert "written" == inside
    assert 4 == outside.count("Read-only file system"), outside


def test_a_container_that_is_stopped_while_it_starts_ends(images: Mapping[str, str]) -> None:
    """Process 1 gets no signal without a handler: there is one before any of our own code."""
    starting = (
        DockerContainer(images["harvest"])
        .with_kwargs(entrypoint=["python", "-c"])
        .with_command(["import time; print('importing', flush=True); time.sleep(300)"])
        .waiting_for(LogMessageWaitStrategy("importing"))
    )
    with starting:
        starting.get_wrapped_container().stop(timeout=60)

        assert 143 == state(starting)["ExitCode"]


@pytest.mark.parametrize(
    ("member", "variables", "words"),
    [
        ("harvest", {"CONTEXTWORKER_LOG_LEVEL": "loud"}, "CONTEXTWORKER_LOG_LEVEL: is none of"),
        (
            "gardener",
            {"TEMPORAL_ADDRESS": "no address", "CONTEXTWORKER_LOG_LEVEL": "ERROR"},
            "TEMPORAL_ADDRESS 'no address'",
        ),
        ("gateway", {}, "error: the gateway does not authenticate its callers, so it binds to"),
        ("codec-server", {}, "error: the codec server does not authenticate its callers, so it"),
        ("brain", {"BRAIN_URL": "mysql://host/db"}, "BRAIN_URL"),
    ],
    ids=["harvest", "gardener", "gateway", "codec server", "brain"],
)
def test_a_wrong_setting_is_one_sentence(
    images: Mapping[str, str], member: str, variables: dict[str, str], words: str
) -> None:
    """The container ends with 1 and says which setting is wrong."""
    done = docker_run(images[member], **variables)

    assert 1 == done.returncode
    assert 1 == len(done.stderr.strip().splitlines()), done.stderr
    assert words in done.stderr


def test_an_image_says_what_it_is(images: Mapping[str, str]) -> None:
    """Labels of the Open Containers Initiative, and a user that Kubernetes knows not to be root."""
    (inspected,) = json.loads(
        subprocess.run(
            ["docker", "image", "inspect", images["harvest"]], capture_output=True, check=True
        ).stdout
    )
    labels = inspected["Config"]["Labels"]

    assert "10001:10001" == inspected["Config"]["User"]
    assert "contextworker-harvest" == labels["org.opencontainers.image.title"]
    assert COMMIT == labels["org.opencontainers.image.revision"]
    assert "Apache-2.0" == labels["org.opencontainers.image.licenses"]
