"""What the supervisor tells the interpreter that it starts, through one environment variable.

The reader is `bootstrap/sitecustomize.py`, which imports nothing of the package.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

VARIABLE = "KLG_LAUNCH"


@dataclass(frozen=True, slots=True)
class Order:
    """How to start the sampler.

    Attributes
    ----------
    descriptor : int
        Of the shared capture.
    mean_bytes, budget, credit_s : float
        See `_core.sampler.start`.
    parent : int
        Process id of the supervisor.
    native : str
        ``off``, ``got`` or ``preload``.
    child_folder : str
        Where forked children put their captures; empty to leave them alone.
    pythonpath, preload : str
        The values of PYTHONPATH and LD_PRELOAD to put back, after ``=``; empty for not set.
    core : str
        File of the extension module.
    """

    descriptor: int
    mean_bytes: float
    budget: float
    credit_s: float
    parent: int
    native: str
    child_folder: str
    pythonpath: str
    preload: str
    core: str

    def encode(self) -> str:
        """Give the value of the variable: one field a line, the path last."""
        return "\n".join(str(field) for field in astuple(self))
