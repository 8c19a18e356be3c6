"""The process in which atheris runs one target: ``python -P child.py TARGET LIBFUZZER-OPTIONS``."""

from __future__ import annotations

import sys

import atheris


def main() -> None:
    name = sys.argv.pop(1)
    # Only the product's own code counts as coverage: what the tests' decoder does is nobody's goal.
    with atheris.instrument_imports(include=["controller", "hw_sim"]):
        from tests.evidence.fuzz.targets import PLANTED, TARGETS
    target = PLANTED if name == PLANTED.name else TARGETS[name]
    atheris.Setup(sys.argv, target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
