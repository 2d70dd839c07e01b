"""The module's worker, as any module's is run."""

from contextworker.core.process import run_module_worker
from soaking.module import module

if __name__ == "__main__":
    run_module_worker(module)
