"""BRAIN_URL, understood: which store it names, and how to speak of it without its password."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from contextworker.core.errors import ConfigurationError

_FORMS = (
    "write sqlite:///folder/brain.db (or sqlite:////absolute/path) or postgresql://host/db (user@ "
    "goes before the host)"
)
_SERVICE = ", or grpc://host:port of a CommerceService"
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}


@dataclass(frozen=True)
class BrainUrl:
    """A store's address for SQLAlchemy, and its name for people."""

    engine_url: URL
    name: str

    @property
    def path(self) -> Path | None:
        """The SQLite file; None for a server."""
        if self.engine_url.get_backend_name() != "sqlite":
            return None
        return Path(self.engine_url.database or "")


def parse_url(url: str, *, variable: str = "BRAIN_URL") -> BrainUrl:
    """Understand a URL.

    Args:
        url: Of an SQL database.
        variable: The setting it comes from.

    Raises:
        ConfigurationError: It names no store this package has; the message holds no password.
    """
    forms = _FORMS + (_SERVICE if variable == "BRAIN_URL" else "")
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The error quotes the URL, and with it the password.
        raise ConfigurationError(f"{variable} is not a URL: {forms}") from None
    scheme = parsed.drivername
    if scheme not in _DRIVERS:
        raise ConfigurationError(f"{variable} has the unknown scheme {scheme!r}: {forms}")
    if scheme == "sqlite":
        _check_file(parsed, variable)
    # The query may hold a password as well.
    name = parsed.set(query={}).render_as_string(hide_password=True)
    return BrainUrl(engine_url=parsed.set(drivername=_DRIVERS[scheme]), name=name)


def _check_file(url: URL, variable: str) -> None:
    if url.host or not url.database or url.database == ":memory:":
        raise ConfigurationError(
            f"{variable} names no file: after sqlite: come three slashes and a path, such as "
            "sqlite:///.contextworker/brain.db, or four and an absolute path"
        )
    if url.query:
        raise ConfigurationError(
            f"{variable}: an SQLite address takes no ?options; "
            "waiting for other writers is set by BRAIN_STATEMENT_TIMEOUT_S"
        )
