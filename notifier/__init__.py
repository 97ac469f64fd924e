"""HOP 3: hears how workflows ended and what could not be served; tells people."""
