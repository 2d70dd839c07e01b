"""What a new module depends on: the core that is installed here, and what that asks for itself."""

from importlib.metadata import requires, version

from packaging.requirements import Requirement
from packaging.version import Version

from contextworker.cli.scaffold.workspace import CORE


def core_requirement() -> str:
    """Return the core from this version on, up to the next that may break."""
    return within_series(CORE, version(CORE))


def within_series(distribution: str, current: str) -> str:
    """Return a distribution from this version on, below the next major (under 0.x: minor) one."""
    parsed = Version(current)
    above = f"{parsed.major + 1}" if parsed.major else f"0.{parsed.minor + 1}"
    return f"{distribution}>={parsed.public.removesuffix('.0')},<{above}"


def as_the_core(distribution: str) -> str:
    """Return a requirement just as the core has it."""
    for text in requires(CORE) or ():
        requirement = Requirement(text)
        if requirement.name == distribution and requirement.marker is None:
            return str(requirement)
    return distribution
