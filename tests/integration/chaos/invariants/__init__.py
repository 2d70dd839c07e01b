"""What must hold once the faults are over and the system has settled."""
