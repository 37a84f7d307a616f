"""People: what each role may do, how they sign in, how they come and go."""
