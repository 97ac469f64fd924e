"""The timeline of an instance, from its request to its notice."""
