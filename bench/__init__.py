"""The benchmark: Usher beside the plain wiring and the bare engine, on stacks of the same kind."""
