"""What runs the services: the host itself, or a swarm. The one place that asks which it is."""
