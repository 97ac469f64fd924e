"""AsyncAPI 3: the document of channels, messages and operations, and a page that shows it."""
