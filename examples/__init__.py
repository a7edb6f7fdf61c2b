"""Products that embed the agent, and the demonstration that runs one against a real server."""
