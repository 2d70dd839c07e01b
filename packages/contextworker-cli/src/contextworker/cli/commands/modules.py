"""`contextworker modules`."""

from contextworker.cli.address import gateway_address
from contextworker.cli.client.gateway import GatewayClient
from contextworker.cli.commands.options import Address, Json
from contextworker.cli.output.console import err, out, print_json
from contextworker.cli.output.render import modules_view


async def modules(*, json: Json = False, address: Address = None) -> int:
    """List the modules whose workers announced themselves, and what they accept."""
    async with GatewayClient(gateway_address(address)) as client:
        found = await client.modules()
    if json:
        print_json([module.dump() for module in found])
    elif found:
        out().print(modules_view(found))
    else:
        err().print("No module has announced itself: is a worker running?")
    return 0
