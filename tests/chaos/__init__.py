"""A seeded storm on the real stack: what was accepted is neither lost nor doubled.

`plan` makes of a seed what is published and what is killed, `cast` knows what must come of each
publication. `storm` drives, `observe` reads, `verdict` compares, `report` writes it down.
`python -m tests.chaos --seed 7 --requests 2000`, or `make chaos SEED=7 REQUESTS=2000`.
"""
