"""Blue/green deploys of Docker services on one small host, over plain SSH."""
