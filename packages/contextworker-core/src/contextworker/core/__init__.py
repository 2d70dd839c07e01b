"""The runtime every ContextWorker module stands on: registry, codec, worker."""
