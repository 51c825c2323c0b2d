"""Events of sessions, told to the servers that the stack names: signed, again and again until they are taken."""
