"""The RPCs of the WorkerService, each a method: decode, check, do, reply."""
