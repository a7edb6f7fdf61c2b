"""Tracks made for the tests: nobody ever drove them."""
