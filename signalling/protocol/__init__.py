"""Epic's Pixel Streaming signalling protocol without I/O: messages, and a state machine for each of our two servers."""
