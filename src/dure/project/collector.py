"""Python's collector of rings, told what the product's processes are like."""

import gc


def leave_loaded_alone() -> None:
    """What is loaded by now stays for good, and a batch of ten thousand texts makes many objects and no rings: the collector need
    not look at all of it again and again."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
