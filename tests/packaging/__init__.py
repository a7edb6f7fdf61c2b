"""What leaves this repository as a package."""
