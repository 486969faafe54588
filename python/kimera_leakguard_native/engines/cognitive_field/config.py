"""Parameters of cognitive fields, by the names that Kimera's clients assign."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class FieldParams:
    """Parameters of a field.

    Attributes
    ----------
    RESONANCE_FREQUENCY_EMBEDDING_SLICE : int
        Fourier coefficients whose magnitudes make the resonance frequency.
    PHASE_EMBEDDING_SPLIT_FACTOR : int
        The phase compares the first 1/factor of an embedding with the rest.
    """

    DEFAULT_FIELD_STRENGTH: float = 1.0
    DEFAULT_DECAY_RATE: float = 0.1
    RESONANCE_FREQUENCY_EMBEDDING_SLICE: int = 10
    PHASE_EMBEDDING_SPLIT_FACTOR: int = 2


@dataclass
class WaveParams:
    """Parameters of the wave that a new field emits; lengths are distances of unit embeddings.

    Attributes
    ----------
    PROPAGATION_SPEED : float
        Length a second.
    AMPLITUDE_DECAY_RATE : float
        Over dt seconds at radius r the amplitude falls by the factor exp(-rate * r * dt).
    """

    PROPAGATION_SPEED: float = 1.0
    AMPLITUDE_DECAY_RATE: float = 0.01
    INTERACTION_STRENGTH_THRESHOLD: float = 0.1
    RESONANCE_EFFECT_STRENGTH: float = 0.1
    AMPLITUDE_CUTOFF: float = 0.01
    WAVE_THICKNESS: float = 0.1
    RESONANCE_THRESHOLD: float = 0.1


@dataclass
class CognitiveFieldConfig:
    """All parameters of `CognitiveFieldDynamics`."""

    field_params: FieldParams = field(default_factory=FieldParams)
    wave_params: WaveParams = field(default_factory=WaveParams)
