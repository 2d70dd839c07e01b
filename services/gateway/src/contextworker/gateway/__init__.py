"""The gRPC front: takes ContextUnits, starts and watches runs in Temporal, knows no module."""
