"""Which releases must replay on which code."""

from packaging.version import Version


def same_series(recorded: str, current: str) -> bool:
    """Tell whether today's code must be able to continue a run that the other release began.

    Within a series it must: a release of the same major version or, under 0.x, of the same minor
    one. Runs of another series stay on workers of theirs.
    """
    return _series(recorded) == _series(current)


def _series(version: str) -> tuple[int, ...]:
    parsed = Version(version)
    if parsed.major:
        return parsed.epoch, parsed.major
    return parsed.epoch, parsed.major, parsed.minor


def next_series(version: str) -> str:
    """Return the first version of the series after that one."""
    parsed = Version(version)
    return f"{parsed.major + 1}.0.0" if parsed.major else f"0.{parsed.minor + 1}.0"
