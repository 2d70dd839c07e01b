"""`contextworker modules`."""

from contextworker.cli.client.reaching import HERE, Gateway
from contextworker.cli.commands.options import Json
from contextworker.cli.output.console import err, out, print_json
from contextworker.cli.output.module_views import modules_view


async def modules(*, json: Json = False, gateway: Gateway = HERE) -> int:
    """List the modules whose workers announced themselves, and what they accept."""
    async with gateway.client() as client:
        found = await client.modules()
    if json:
        print_json([module.dump() for module in found])
    elif found:
        out().print(modules_view(found))
    else:
        err().print("No module has announced itself: is a worker running?")
    return 0
