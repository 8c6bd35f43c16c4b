"""The bank of seeded bugs fits the present sources: a change that no longer applies proves nothing. `make bugs` runs it."""

from dataclasses import replace

import pytest

from benchmarks import bugs

BANK = bugs.bank()


@pytest.mark.parametrize("bug", BANK, ids=lambda bug: bug.name)
def test_a_seeded_bug_fits_the_sources_and_names_tests_that_exist(bug: bugs.Bug) -> None:
    assert bug.changes()
    assert bug.like
    assert bug.tests
    assert all((bugs.ROOT / test.partition("::")[0]).is_file() for test in bug.tests)


def test_there_are_forty_and_each_is_another_one() -> None:
    assert len(BANK) >= 40
    assert len({bug.name for bug in BANK}) == len({(bug.file, bug.find, bug.put) for bug in BANK}) == len(BANK)


def test_a_change_that_does_not_fit_or_changes_nothing_is_noticed() -> None:
    bug = BANK[0]
    with pytest.raises(bugs.Misfit):
        bug.planted("nothing of the kind")
    with pytest.raises(bugs.Misfit):
        bug.planted(f"{bug.find}\n{bug.find}")
    with pytest.raises(bugs.Misfit):
        replace(bug, put=f"{bug.find}  # nothing").changes()
