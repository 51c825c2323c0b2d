"""ICE servers and the credentials players use on them."""
