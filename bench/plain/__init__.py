"""The plain wiring that Usher is held against: what a team writes by itself in an afternoon."""
