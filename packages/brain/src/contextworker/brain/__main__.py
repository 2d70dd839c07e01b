"""Bring the schema at BRAIN_URL to head: the deployment step for BRAIN_MIGRATE=off.

With a CommerceService it is the ledger's, at BRAIN_LEDGER_URL.
"""

import asyncio
import sys

from contextworker.brain.settings import BrainSettings
from contextworker.brain.sql.migrating import migrate
from contextworker.core.errors import ContextWorkerError


def main() -> int:
    """Migrate and say so; an error is one line and exit code 1."""
    try:
        settings = BrainSettings()
        url, variable = settings.url, "BRAIN_URL"
        if settings.is_service:
            url, variable = settings.ledger_url, "BRAIN_LEDGER_URL"
        revision = asyncio.run(migrate(url.get_secret_value(), variable=variable))
    except ContextWorkerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"the Brain's schema is at revision {revision}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
