"""`contextworker keys …`: keys that payloads are encrypted with."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from contextworker.cli.encryption.key_files import add_key, is_current
from contextworker.cli.output.console import err, out
from contextworker.core.encryption import new_key
from contextworker.core.encryption.key_ring import FILE_SETTING, KEYS_SETTING

app = App(name="keys", help="Make keys that encrypt what Temporal stores of a run.")


@app.command
def new(
    key_id: Annotated[
        str | None, Parameter(help="How payloads name it. Default: today's date.")
    ] = None,
    /,
    *,
    file: Annotated[
        Path | None,
        Parameter(help="TOML file of keys to add it to; made where it is missing."),
    ] = None,
) -> None:
    """Make a key, and print it as `id:key`; or add it to a file, which then says nothing secret.

    Whoever loses a key loses what was encrypted with it: keep a copy where secrets are kept.
    """
    key_id = key_id or datetime.now(UTC).date().isoformat()
    key = new_key(key_id)
    if file is None:
        out().print(f"{key_id}:{key}", markup=False, soft_wrap=True)
        err().print(
            f"For {KEYS_SETTING}: the first of the keys there encrypts, the others are for "
            "reading.",
            markup=False,
        )
        return
    add_key(file, key_id, key)
    err().print(f"{file}: the key {key_id} was added.", markup=False)
    if is_current(file, key_id):
        err().print(
            f"It encrypts as soon as members have the file, as {FILE_SETTING}. Where the system "
            "runs already, take the line `current` out until all of them have.",
            markup=False,
        )
    else:
        err().print(
            f'Give the file to every member; then set current = "{key_id}" there.', markup=False
        )
