"""Run the gardener's worker: `gardener-worker` or `python -m contextworker.gardener`."""

from contextworker.core.process import run_module_worker
from contextworker.gardener.module import module


def main() -> None:
    """Poll `gardener-tasks` until a signal."""
    run_module_worker(module)


if __name__ == "__main__":
    main()
