"""Where fields live: embeddings in a slot pool, their figures in columns beside it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kimera_leakguard_native.gpu.slots import SlotPool

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_FIRST_ROWS = 64


class FieldStore:
    """Fields by id; adding one copies nothing that is there already.

    Parameters
    ----------
    dimension : int
        Numbers an embedding.
    dtype : str
        Of the stored embeddings.
    max_fields : int or None
        Above it the oldest field is removed first.
    on_evict : callable, optional
        Called with the id of a field that the bound removed.

    Attributes
    ----------
    columns : dict of str to array
        float64 arrays by row: strength, resonance, phase, created, and the radius and amplitude
        of the wave that the field emitted (amplitude 0: it is gone).
    names : list of (str or None)
        Ids by row, as far as any was ever in use.
    """

    NAMES = ("strength", "resonance", "phase", "created", "radius", "amplitude")

    def __init__(
        self,
        dimension: int,
        dtype: str,
        max_fields: int | None,
        on_evict: Callable[[str], object] | None,
    ) -> None:
        if dimension < 1:
            raise ValueError(f"dimension: expected at least 1, got {dimension}")
        if max_fields is not None and max_fields < 1:
            raise ValueError(f"max_fields: expected at least 1 or None, got {max_fields}")
        self.dimension = dimension
        self.max_fields = max_fields
        self.pool = SlotPool(dimension, dtype, name="cognitive fields")
        self.columns = {name: np.zeros(_FIRST_ROWS) for name in self.NAMES}
        self.names: list[str | None] = []
        self.lock = threading.RLock()
        self.evicted = 0
        self._on_evict = on_evict
        self._handles: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._handles)

    def __contains__(self, geoid_id: object) -> bool:
        return geoid_id in self._handles

    def ids(self) -> list[str]:
        """Give the ids, oldest first."""
        return list(self._handles)

    def row(self, geoid_id: str) -> int:
        """Give the row of a field.

        Raises
        ------
        ValueError
            There is no field of that id.
        """
        handle = self._handles.get(geoid_id)
        if handle is None:
            raise ValueError(f"geoid {geoid_id!r}: no such field")
        return self.pool.index(handle)

    def embeddings(self) -> NDArray[Any]:
        """Give the rows that `names` has, those of removed fields included; no copy."""
        rows: NDArray[Any] = self.pool.view()[: len(self.names)]
        return rows

    def live(self) -> NDArray[np.bool_]:
        """Say which rows hold a field."""
        return self.pool.occupancy()[: len(self.names)]

    def add(self, geoid_id: str, embedding: NDArray[Any], **figures: float) -> int:
        """Store a field that is not there yet; give its row."""
        evicted: list[str] = []
        with self.lock:
            if self.max_fields is not None:
                evicted = self._evict_above(self.max_fields - 1)
            handle = self.pool.allocate()
            row = self.pool.index(handle)
            try:
                self.pool.row(handle)[:] = embedding
                self._make_room(row)
                for name, column in self.columns.items():
                    column[row] = figures.get(name, 0.0)
            except BaseException:
                self.pool.free(handle)
                raise
            self.names[row] = geoid_id
            self._handles[geoid_id] = handle
        self._tell(evicted)
        return row

    def limit(self, max_fields: int | None) -> int:
        """Set the bound, and evict what is above it; give the number."""
        if max_fields is not None and max_fields < 1:
            raise ValueError(f"max_fields: expected at least 1 or None, got {max_fields}")
        with self.lock:
            self.max_fields = max_fields
            evicted = [] if max_fields is None else self._evict_above(max_fields)
        self._tell(evicted)
        return len(evicted)

    def _evict_above(self, most: int) -> list[str]:
        evicted = []
        while len(self._handles) > most:
            oldest = next(iter(self._handles))
            self.remove(oldest)
            self.evicted += 1
            evicted.append(oldest)
        return evicted

    def _tell(self, evicted: list[str]) -> None:
        if self._on_evict is not None:
            for gone in evicted:
                self._on_evict(gone)

    def remove(self, geoid_id: str) -> bool:
        """Remove a field and its wave; False where there is none."""
        with self.lock:
            handle = self._handles.pop(geoid_id, None)
            if handle is None:
                return False
            row = self.pool.index(handle)
            self.names[row] = None
            self.columns["amplitude"][row] = 0.0
            self.pool.free(handle)
            return True

    def _make_room(self, row: int) -> None:
        while len(self.names) <= row:
            self.names.append(None)
        size = len(self.columns["strength"])
        if row < size:
            return
        wanted = max(2 * size, row + 1)
        for name, column in self.columns.items():
            grown = np.zeros(wanted)
            grown[:size] = column
            self.columns[name] = grown


class Field:
    """One field, live: reading and writing go to the store.

    Raises
    ------
    ValueError
        From any attribute, once the field has been removed.
    """

    __slots__ = ("_store", "geoid_id")

    def __init__(self, store: FieldStore, geoid_id: str) -> None:
        self._store = store
        self.geoid_id = geoid_id

    @property
    def embedding(self) -> NDArray[Any]:
        """A copy of the unit vector, shape (dimension,)."""
        with self._store.lock:
            return np.array(self._store.embeddings()[self._store.row(self.geoid_id)])

    @property
    def field_strength(self) -> float:
        """Strength; resonant waves raise it."""
        return self._figure("strength")

    @field_strength.setter
    def field_strength(self, value: float) -> None:
        with self._store.lock:
            self._store.columns["strength"][self._store.row(self.geoid_id)] = value

    @property
    def resonance_frequency(self) -> float:
        """Sum of the magnitudes of the first Fourier coefficients, plus 1."""
        return self._figure("resonance")

    @property
    def phase(self) -> float:
        """Pi times the difference between the sums of the two parts of the embedding."""
        return self._figure("phase")

    @property
    def creation_time(self) -> float:
        """Time of the dynamics, in seconds, when the field was added."""
        return self._figure("created")

    def _figure(self, name: str) -> float:
        with self._store.lock:
            return float(self._store.columns[name][self._store.row(self.geoid_id)])

    def __repr__(self) -> str:
        return f"Field({self.geoid_id!r})"


class FieldMap(Mapping[str, Field]):
    """The fields of a store by id, live, oldest first."""

    __slots__ = ("_store",)

    def __init__(self, store: FieldStore) -> None:
        self._store = store

    def __getitem__(self, geoid_id: str) -> Field:
        if geoid_id not in self._store:
            raise KeyError(geoid_id)
        return Field(self._store, geoid_id)

    def __iter__(self) -> Iterator[str]:
        return iter(self._store.ids())

    def __len__(self) -> int:
        return len(self._store)
