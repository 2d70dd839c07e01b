"""A whole ContextWorker on this machine: Temporal, gateway, workers, as child processes."""
