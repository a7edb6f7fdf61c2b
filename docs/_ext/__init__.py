"""What this site generates from the code itself, so that it cannot fall behind it."""
