"""What goes on while things break: each tenant's feeds change, are harvested and enriched."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.callers import Callers
from harness.catalogue import Catalogue
from harness.system import TENANTS, ChaosSystem

PROGRAMS_OF = "agents"


@dataclass
class Load:
    """The tenants, each going round and round by itself until told to stop."""

    system: ChaosSystem
    callers: Callers
    tenants: Sequence[str] = tuple(TENANTS)
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        """Let the cycle in hand be each tenant's last."""
        self._over.set()

    async def run(self) -> None:
        """Call until told to stop, and until what was begun has ended."""
        async with asyncio.TaskGroup() as tasks:
            for tenant_id in self.tenants:
                tasks.create_task(self._tenant(tenant_id))

    async def settle(self) -> None:
        """Go round once more, with nothing in the way."""
        for tenant_id in self.tenants:
            await self._cycle(tenant_id)

    async def _tenant(self, tenant_id: str) -> None:
        while not self._over.is_set():
            await self._cycle(tenant_id)

    async def _cycle(self, tenant_id: str) -> None:
        catalogues = [self.system.catalogues[code] for code in TENANTS[tenant_id]]
        for catalogue in catalogues:
            catalogue.advance()
        await self._harvest(tenant_id, catalogues)
        if "gardener" in self.system.modules:
            await self.callers.garden(tenant_id)

    async def _harvest(self, tenant_id: str, catalogues: list[Catalogue]) -> None:
        if tenant_id == PROGRAMS_OF:
            await self.callers.program(tenant_id, catalogues)
            return
        async with asyncio.TaskGroup() as tasks:
            for catalogue in catalogues:
                tasks.create_task(self.callers.harvest(catalogue))
