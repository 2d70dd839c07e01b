"""What there is in the system, by name: schedules name it before it runs."""

WORKERS = ("harvest-1", "harvest-2", "gardener-1", "gardener-2", "sandbox-1")
SERVICES = (*WORKERS, "gateway")
GATEWAY, TEMPORAL, POSTGRESQL = "gateway", "temporal", "postgresql"
PROCESSES = (*SERVICES, TEMPORAL, POSTGRESQL)

CLIENT_GATEWAY, SANDBOX_GATEWAY, WORKERS_SUPPLIER = (
    "client-gateway",
    "sandbox-1-gateway",
    "workers-supplier",
)
TO_TEMPORAL = tuple(f"{name}-temporal" for name in SERVICES)
TO_BRAIN = tuple(f"{name}-brain" for name in WORKERS)
LINKS = (CLIENT_GATEWAY, SANDBOX_GATEWAY, WORKERS_SUPPLIER, *TO_TEMPORAL, *TO_BRAIN)

SUPPLIER, DISK, BRAIN = "supplier", "disk", "brain"
