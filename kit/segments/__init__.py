"""Segment summaries: totals and deep pages over millions of ids without looking at each of them.

Ids that increase (``contracts/ids.py``) are cut into segments of 4,096. A segment has a summary,
made from its documents when nobody writes to it; whoever writes to it says so beforehand, by a
claim, and from then on the summary does not count. Why and how: docs/adr/0024-segments.md.
"""
