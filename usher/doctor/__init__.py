"""`usher doctor`: what would break a promise, in the files and in what runs."""
