"""Known-bad firmwares: the unit's own, each with one defect that somebody has really made or plausibly could.

They are there to be caught. A monitor that has never seen its fault may be looking the wrong way; here every one of
them has something to see, and a variant that nobody notices is a hole in the monitors. On the wire a variant says the
same of itself as the good one does: a real bad firmware would not confess either. Only the bench's truth names it.
"""

from hw_sim.variants.build import Defect, Housing, built, defects_of, memories, refit, remember
from hw_sim.variants.table import VARIANTS, Variant, find, named, put_in, take_out

__all__ = [
    "VARIANTS", "Defect", "Housing", "Variant", "built", "defects_of", "find", "memories", "named", "put_in",
    "refit", "remember", "take_out",
]  # fmt: skip
