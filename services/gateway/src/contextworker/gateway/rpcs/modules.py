"""The RPC about modules."""

from contextworker.gateway.modules.listing import ModuleLister
from contextworker.gateway.rpcs.requests import Context, Shape, Wire

_NOTHING = Shape.of({})


class ModuleRpcs:
    """Translates between units on the wire and the modules."""

    def __init__(self, modules: ModuleLister) -> None:
        self._modules = modules

    async def ListModules(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """List the modules and their routes."""
        unit = _NOTHING.read(request)
        modules = {"modules": await self._modules.list()}
        return unit.child(modules, provenance="gateway:list_modules").to_protobuf()
