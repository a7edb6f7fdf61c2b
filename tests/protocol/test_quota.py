"""Windows of quotas against a walk from the anchor (protocol §3)."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from licensing_protocol.limits import Quota, Standing

PARTS = st.fixed_dictionaries(
    {}, optional={"D": st.integers(1, 40), "H": st.integers(1, 99), "M": st.integers(1, 99), "S": st.integers(1, 99)}
).filter(bool)
SECONDS = {"D": 86_400, "H": 3600, "M": 60, "S": 1}


def written(parts: dict[str, int]) -> str:
    time = "".join(f"{parts[unit]}{unit}" for unit in "HMS" if unit in parts)
    return "P" + (f"{parts['D']}D" if "D" in parts else "") + (f"T{time}" if time else "")


@given(PARTS, st.integers(0, 2**31), st.integers(-100, 60), st.integers(-2, 2))
@settings(deadline=None)
def test_a_window_is_where_a_walk_from_the_anchor_finds_it(
    parts: dict[str, int], anchor: int, windows: int, off: int
) -> None:
    length = sum(number * SECONDS[unit] for unit, number in parts.items())
    lower = max(0, anchor + windows * length + off)
    index, end = 0, anchor + length
    while end <= lower:
        index, end = index + 1, end + length
    quota = Quota.parse({"id": "q", "uses": 2, "per": written(parts), "anchor": anchor})
    assert (quota.window(lower).index, quota.window(lower).ends) == (index, end)
    for used, standing in ((0, Standing.HOLDS), (1, Standing.HOLDS), (2, Standing.FAILS), (3, Standing.FAILS)):
        verdict = quota.evaluate(used, lower)
        assert (verdict.standing, verdict.changes_at) == (standing, end)
