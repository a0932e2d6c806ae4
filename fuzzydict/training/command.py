"""Train word vectors, fit the score on them, and write both to one file."""

import argparse
import sys
from pathlib import Path

__all__ = ["add_arguments", "run"]

_EXAMPLES = """examples:
  fuzzydict train default --output default.safetensors
  fuzzydict train brown --output brown.safetensors
  fuzzydict train --text my_sentences.txt --output mine.safetensors
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``fuzzydict train``."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "model",
        nargs="?",
        choices=("default", "wordnet", "brown"),
        help="Brown, WordNet and the lexicon; those without Brown, for commercial use; "
        "or plain Word2Vec on Brown",
    )
    what.add_argument("--text", type=Path, metavar="FILE", help="your own text, a sentence a line")
    parser.add_argument("--output", "-o", type=Path, required=True, help="the file to write")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (default: 1)")


def run(arguments: argparse.Namespace) -> int:
    """Train what the arguments say; return the exit status."""
    from fuzzydict.training import building
    from fuzzydict.training.corpora import CorpusNotFoundError, text_sentences
    from fuzzydict.training.teacher import TeacherNotFoundError

    try:
        if arguments.text is not None:
            sentences = text_sentences(arguments.text)
            building.build_from_sentences(sentences, arguments.output, seed=arguments.seed)
        else:
            building.build(arguments.model, arguments.output, seed=arguments.seed)
    except (CorpusNotFoundError, TeacherNotFoundError, OSError, ValueError) as error:
        print(f"fuzzydict train: {error}", file=sys.stderr)
        return 1
    print(f"wrote {arguments.output} ({arguments.output.stat().st_size / 1e6:.1f} MB)")
    return 0
