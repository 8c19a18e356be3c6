"""Named set-ups of the bench: what is wired to the unit, what goes wrong, what must come of it. The seed lives here.

A scenario is a TOML file, one of ours by its name or anybody's by its path; name and options are one text, the same
in an address (``sim://dry-skin?seed=3``) and on the command line. Only the file that was asked for is read, and none
for plain skin, which is what the defaults say: opening ``sim://`` costs no parser.
"""

from hw_sim.scenario.model import LOAD_LONGEST, Expected, HostAction, Scenario, Treatment
from hw_sim.scenario.options import parse
from hw_sim.scenario.shelf import SCENARIOS

__all__ = ["LOAD_LONGEST", "SCENARIOS", "Expected", "HostAction", "Scenario", "Treatment", "parse"]
