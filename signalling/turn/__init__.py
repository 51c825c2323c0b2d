"""The configuration of coturn on one node."""
