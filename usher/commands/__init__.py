"""The commands of `usher`: arguments, help, and the calls that each makes."""
