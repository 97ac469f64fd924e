"""What a command reads from the terminal and prints on it."""
