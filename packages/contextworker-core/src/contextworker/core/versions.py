"""Which version of its module a worker is, as Temporal's Worker Versioning knows it."""

import json
import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution

from temporalio.common import WorkerDeploymentVersion

from contextworker.core.errors import ConfigurationError
from contextworker.core.registry import ModuleConfig
from contextworker.core.settings import WorkerSettings

_COMMIT_CHARACTERS = 12
# Temporal joins the two by '.' or ':' into a search attribute of 255 bytes, and keeps names that
# begin with '__' to itself. It does not answer a worker with another name: its polls just fail.
_DEPLOYMENT_NAME = re.compile(r"(?!__)[A-Za-z0-9_/-]{1,128}")
_BUILD_ID = re.compile(r"(?!__)[A-Za-z0-9_.+!-]{1,100}")


def version_of(module: ModuleConfig, settings: WorkerSettings) -> WorkerDeploymentVersion:
    """Name a module's version: its own name, and its package's version with the commit, if known.

    What the settings say of the deployment or the build id wins: an operator such as Temporal's
    Worker Controller has named the version before the worker starts.

    Raises:
        ConfigurationError: Temporal could not take the name.
    """
    deployment = settings.deployment_name or module.name
    if not _DEPLOYMENT_NAME.fullmatch(deployment):
        raise ConfigurationError(
            f"the deployment name {deployment!r} of module {module.name!r} cannot be: use letters, "
            "digits, '-', '_' and '/', at most 128, and do not begin with '__'"
        )
    build_id = settings.build_id or _built(module, settings)
    if not _BUILD_ID.fullmatch(build_id):
        raise ConfigurationError(
            f"the build id {build_id!r} of module {module.name!r} cannot be: use letters, digits, "
            "'-', '_', '.', '+' and '!', at most 100, and do not begin with '__'"
        )
    return WorkerDeploymentVersion(deployment_name=deployment, build_id=build_id)


def refuse_shared_version(modules: Sequence[ModuleConfig], settings: WorkerSettings) -> None:
    """Refuse to give several modules one name: each is promoted alone.

    Raises:
        ConfigurationError: The settings name a version, and the process runs several modules.
    """
    named = [
        variable
        for variable, value in (
            ("TEMPORAL_DEPLOYMENT_NAME", settings.deployment_name),
            ("TEMPORAL_WORKER_BUILD_ID", settings.build_id),
        )
        if value
    ]
    if named and len(modules) > 1:
        raise ConfigurationError(
            f"one module's version is set ({', '.join(named)}), but this process runs "
            f"{len(modules)}: {', '.join(module.name for module in modules)}. Run each in a "
            "process of its own, or set none"
        )


def installed_commit(package: str) -> str:
    """Return the commit a distribution was installed from (PEP 610), or nothing."""
    try:
        origin = json.loads(distribution(package).read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return ""
    return str(origin.get("vcs_info", {}).get("commit_id", ""))


def _built(module: ModuleConfig, settings: WorkerSettings) -> str:
    commit = settings.commit or installed_commit(module.distribution)
    return f"{module.version}-{commit[:_COMMIT_CHARACTERS]}" if commit else module.version
