"""The runtime of signalling: the protocol, the instance's sidecar, the matchmaker, ICE servers and TURN."""
