"""How cost grows: against ledger, waiting instances, history, backlog and replicas."""
