"""The name of a worker's version: package, commit, and what an operator says."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from greeter import GreetWorkflow, module

from contextworker.core.errors import ConfigurationError
from contextworker.core.registry import ModuleConfig
from contextworker.core.settings import WorkerSettings
from contextworker.core.versions import refuse_shared_version, version_of

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def install(folder: Path, package: str, version: str, origin: Mapping[str, object]) -> None:
    """Lay a distribution out as an installer would."""
    info = folder / f"{package.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {package}\nVersion: {version}\n")
    (info / "direct_url.json").write_text(json.dumps(origin))


def named(config: ModuleConfig, settings: WorkerSettings) -> tuple[str, str]:
    """Return deployment and build id."""
    version = version_of(config, settings)
    return version.deployment_name, version.build_id


def test_a_version_is_the_modules_name_and_its_packages_version() -> None:
    """Without any setting a worker is what is installed."""
    assert ("greeter", "dev") == named(module, WorkerSettings())


@pytest.mark.parametrize("commit", [COMMIT, COMMIT.upper(), COMMIT[:12]])
def test_a_known_commit_is_part_of_the_version(commit: str) -> None:
    """Two builds of one version are two versions."""
    assert ("greeter", "dev-0123456789ab") == named(module, WorkerSettings(commit=commit))


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (
            {"url": "git+https://x", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
            "-0123456789ab",
        ),
        ({"url": "file:///x", "dir_info": {"editable": True}}, ""),
    ],
    ids=["from a commit", "from a folder"],
)
def test_a_package_installed_from_a_commit_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, origin: Mapping[str, object], expected: str
) -> None:
    """`pip install git+https://…@main` gives builds of one version that differ."""
    install(tmp_path, "contextworker-travels", "1.2.0", origin)
    monkeypatch.syspath_prepend(str(tmp_path))
    travels = ModuleConfig("travels", [GreetWorkflow], [])

    assert ("travels", f"1.2.0{expected}") == named(travels, WorkerSettings())


def test_what_an_operator_names_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that Temporal's Worker Controller gives its pods."""
    monkeypatch.setenv("CONTEXTWORKER_COMMIT", COMMIT)
    monkeypatch.setenv("TEMPORAL_DEPLOYMENT_NAME", "production/greeter")
    monkeypatch.setenv("TEMPORAL_WORKER_BUILD_ID", "0-1-0-c3d4")

    assert ("production/greeter", "0-1-0-c3d4") == named(module, WorkerSettings())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"deployment_name": "shop.harvest"}, "the deployment name 'shop.harvest'"),
        ({"deployment_name": "__harvest"}, "the deployment name '__harvest'"),
        ({"deployment_name": "h" * 129}, "at most 128"),
        ({"build_id": "1:2"}, "the build id '1:2' of module 'greeter' cannot be"),
        ({"build_id": "__1"}, "do not begin with '__'"),
        ({"build_id": "1" * 101}, "at most 100"),
        ({"build_id": "é"}, "use letters"),
    ],
    ids=["dot", "reserved name", "long name", "colon", "reserved id", "long id", "letter"],
)
def test_a_name_that_temporal_would_not_take_is_a_sentence(
    settings: dict[str, str], words: str
) -> None:
    """Temporal would let such a worker poll in vain."""
    with pytest.raises(ConfigurationError, match=words):
        version_of(module, WorkerSettings(**settings))  # type: ignore[arg-type] # only the text ones


@pytest.mark.parametrize("commit", ["main", "abc", COMMIT + "-dirty"])
def test_what_is_no_commit_is_refused(commit: str) -> None:
    """A branch's name would hide which code runs."""
    with pytest.raises(ConfigurationError, match=r"^CONTEXTWORKER_COMMIT: is no commit"):
        WorkerSettings(commit=commit)


def test_one_name_is_not_given_to_several_modules() -> None:
    """Their versions would be promoted together, or fight."""
    other = ModuleConfig("other", [GreetWorkflow], [])
    settings = WorkerSettings(build_id="7")

    refuse_shared_version([module], settings)
    refuse_shared_version([module, other], WorkerSettings(commit=COMMIT))
    with pytest.raises(ConfigurationError, match="this process runs 2: greeter, other"):
        refuse_shared_version([module, other], settings)
