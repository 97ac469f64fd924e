"""HOP 1: the only way in; its routes publish."""
