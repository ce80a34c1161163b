"""Eyes on the host: each view is a pure function from facts to a verdict, then lines; one look reads its facts."""
