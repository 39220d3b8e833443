"""Proof that the guards are tested: each is taken away in turn, and some test has to notice (`make mutate`)."""
