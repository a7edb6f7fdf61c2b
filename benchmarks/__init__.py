"""How fast it is, measured so that a ratio means something: ``python -m benchmarks.NAME [--json] [--quick]``.

Subjects, peers and floors are measured in one run, interleaved. A target that does not hold is reported as it is;
nothing here asserts.
"""
