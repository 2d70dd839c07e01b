"""Run the harvest worker: `harvest-worker` or `python -m contextworker.harvest`."""

from contextworker.core.process import run_module_worker
from contextworker.harvest.module import module


def main() -> None:
    """Run the worker until a signal."""
    run_module_worker(module)


if __name__ == "__main__":
    main()
