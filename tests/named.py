"""What this repository's compose file calls its things."""

from behindy_ops.project.names import Names

NETWORK, EDGE = Names().network, Names().edge
NGINX = Names().proxy.container
