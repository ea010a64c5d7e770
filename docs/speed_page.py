"""docs/speed.md: what the scripts in benchmarks/ that measure us beside a peer found."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))
import tables  # noqa: E402

sys.path.pop(0)

HEAD = """# Speed

Written from benchmarks/results by docs/build_pages.py. What each script asks, how it measures and what it
cannot show is in [scaling.md](scaling.md#measuring-it-beside-its-peers). A ratio stands with its lowest and its highest
value.

"""


def page():
    return HEAD + tables.page()
