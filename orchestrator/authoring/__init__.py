"""What is said to an author before anything is served: each mistake with its file and line."""
