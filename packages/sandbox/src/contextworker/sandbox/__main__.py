"""Run this module's worker: the executable `sandbox-worker`."""

from contextworker.core.process import run_module_worker
from contextworker.sandbox.module import module


def main() -> None:
    """Run the worker until a signal."""
    run_module_worker(module)


if __name__ == "__main__":
    main()
