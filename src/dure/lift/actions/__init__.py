"""Everything done with results."""

from dure.lift.actions.effects import learn_effects
from dure.lift.actions.results import due_results, foretell_campaign, guard_campaign, measure_campaign

__all__ = ["due_results", "foretell_campaign", "guard_campaign", "learn_effects", "measure_campaign"]
