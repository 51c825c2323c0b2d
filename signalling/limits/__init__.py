"""How much one player, one address and one application may take, over all replicas, and from where players may come."""
