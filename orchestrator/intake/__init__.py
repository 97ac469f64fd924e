"""From a delivery to its outcome: facts, one decision, and what carries it out."""
