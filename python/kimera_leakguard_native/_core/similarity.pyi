"""
Exact similarity of float32 rows.
"""
from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing
import typing_extensions
__all__: list[str] = ['ItemSets', 'MeanTension', 'PackedIndex', 'PairScan', 'Tension', 'VectorRows', 'WeightedTension', 'canonical_dot', 'instruction_set', 'instruction_sets', 'measure_peak', 'top_k']
class VectorRows:
    """
    Float32 vectors of one length as rows, where they lie.
    """
    @staticmethod
    def gather(vectors: list[typing.Any]) -> VectorRows | None:
        """
        The vectors as rows; None where one is no contiguous float32 vector, is empty or has another length.
        """
    @property
    def columns(self) -> int:
        """
        Entries of a vector.
        """
class ItemSets:
    """
    The hashable items of every owner, for counting what two share.
    """
    def __init__(self, owners: collections.abc.Iterable[collections.abc.Iterable[typing.Any]]) -> None:
        ...
class Tension:
    """
    The composite score of two geoids.
    """
    def greatest_limit(self) -> float:
        """
        A cosine below which every pair lies that counts; above 1 where any may.
        """
    def pairs_above(self, i: typing_extensions.Buffer, j: typing_extensions.Buffer, cosine: typing_extensions.Buffer, present: typing_extensions.Buffer) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64]]:
        """
        Those of the pairs (i, j) that count, with their scores, given their cosines and whether they have one.
        """
class MeanTension(Tension):
    """
    The mean of the terms, above the threshold.
    """
    def __init__(self, features: ItemSets, keys: ItemSets, values: ItemSets, threshold: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
class WeightedTension(Tension):
    """
    The weighted terms, at the threshold or above.
    """
    def __init__(self, features: ItemSets, keys: ItemSets, sides: ItemSets, strings: ItemSets, folded: ItemSets, threshold: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
class PairScan:
    """
    All pairs beyond a threshold, batch by batch in order (i, j).
    """
    def __init__(self, x: VectorRows | typing_extensions.Buffer, threshold: typing.SupportsFloat | typing.SupportsIndex, below: bool = True, threads: typing.SupportsInt | typing.SupportsIndex = 1, mask: typing_extensions.Buffer | None = None, queries: typing_extensions.Buffer | None = None, filter: str = 'auto', rule: Tension | None = None) -> None:
        ...
    def collect(self, max_pairs: typing.SupportsInt | typing.SupportsIndex | None = None) -> tuple[tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64]], bool]:
        """
        The remaining pairs, or the first of them, and whether those are all.
        """
    def count(self) -> int:
        """
        Number of the remaining pairs; keeps none.
        """
    def next_batch(self) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64]] | None:
        """
        Arrays (i, j, score) of the next batch, or None.
        """
    @property
    def filter(self) -> str:
        """
        What the scan filters with.
        """
    @property
    def members(self) -> numpy.typing.NDArray[numpy.int64]:
        """
        Rows that can match, ascending: neither masked out nor zero.
        """
class PackedIndex:
    """
    Rows that are packed once and searched often.
    """
    def __contains__(self, id: typing.SupportsInt | typing.SupportsIndex) -> bool:
        ...
    def __init__(self, columns: typing.SupportsInt | typing.SupportsIndex, filter: str = 'auto') -> None:
        ...
    def __len__(self) -> int:
        ...
    def add(self, x: typing_extensions.Buffer, threads: typing.SupportsInt | typing.SupportsIndex = 1) -> numpy.typing.NDArray[numpy.int64]:
        """
        Adds rows and gives their ids.
        """
    def count(self, threshold: typing.SupportsFloat | typing.SupportsIndex, below: bool = True, threads: typing.SupportsInt | typing.SupportsIndex = 1) -> int:
        """
        Number of pairs; keeps none.
        """
    def ids(self) -> numpy.typing.NDArray[numpy.int64]:
        """
        Ids of all rows, ascending.
        """
    def pairs(self, threshold: typing.SupportsFloat | typing.SupportsIndex, below: bool = True, threads: typing.SupportsInt | typing.SupportsIndex = 1, queries: typing_extensions.Buffer | None = None, max_pairs: typing.SupportsInt | typing.SupportsIndex | None = None) -> tuple[tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64]], bool]:
        """
        Arrays (i, j, score) in order, and whether complete.
        """
    def remove(self, ids: typing_extensions.Buffer) -> None:
        """
        Removes rows, or none.
        """
    def top_k(self, k: typing.SupportsInt | typing.SupportsIndex, largest: bool = True, threads: typing.SupportsInt | typing.SupportsIndex = 1, queries: typing_extensions.Buffer | None = None) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64]]:
        """
        Ids and scores of the best partners, and the ids that the rows of both belong to.
        """
    @property
    def columns(self) -> int:
        """
        Entries of a row.
        """
    @property
    def filter(self) -> str:
        """
        What searches filter with.
        """
def canonical_dot(x: typing_extensions.Buffer, y: typing_extensions.Buffer) -> float:
    """
    The canonical float64 dot product of two float32 vectors (n,).
    """
def instruction_set() -> str:
    """
    Instruction set of the kernels that a call would use now; KLG_ISA forces one.
    """
def instruction_sets() -> list[str]:
    """
    Instruction sets that this build has kernels for, weakest first.
    """
def measure_peak(filter: str) -> float:
    """
    Operations a second of one core that runs a filter's instruction on registers alone.
    """
def top_k(x: typing_extensions.Buffer, k: typing.SupportsInt | typing.SupportsIndex, largest: bool = True, threads: typing.SupportsInt | typing.SupportsIndex = 1, mask: typing_extensions.Buffer | None = None, queries: typing_extensions.Buffer | None = None, filter: str = 'auto') -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64]]:
    """
    Indices and scores (rows, k) of every row's best partners, best first.
    """
