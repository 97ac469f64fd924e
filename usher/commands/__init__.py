"""The commands of `usher`: their arguments and help, and what each calls."""
