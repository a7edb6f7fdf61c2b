"""The log's side of witnessing: asking, and acts that wait."""
