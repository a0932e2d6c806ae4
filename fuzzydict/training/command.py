"""``fuzzydict train``: train word vectors, fit the scorer on them, and write a model file."""

import argparse
import sys
from pathlib import Path

__all__ = ["add_arguments", "run"]

_EXAMPLES = """examples:
  fuzzydict train                              writes default.safetensors, in 15 minutes
  fuzzydict train brown                        writes brown.safetensors, in 3 minutes
  fuzzydict train tables -o data               writes data/opposites.tsv and irregular.tsv
  fuzzydict train --text sentences.txt -o mine.safetensors
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``fuzzydict train``."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "model",
        nargs="?",
        choices=("default", "wordnet", "brown", "tables"),
        help="the shipped model; WordNet and the lexicon alone, for commercial use; plain Word2Vec "
        "on Brown; or the tables of opposites and irregular forms (default: default)",
    )
    parser.add_argument(
        "--text", type=Path, metavar="FILE", help="train on your own text, one sentence per line"
    )
    parser.add_argument(
        "--output", "-o", type=Path, help="the file to write (default: MODEL.safetensors, here)"
    )
    parser.add_argument("--seed", type=int, default=1, help="random seed (default: 1)")
    parser.add_argument(
        "--lookups",
        type=int,
        default=10_000,
        metavar="N",
        help="dictionaries on which the scorer is fitted; fewer are faster (default: 10000)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from fuzzydict.training import building
    from fuzzydict.training.corpora import CorpusNotFoundError, text_sentences
    from fuzzydict.training.teacher import TeacherNotFoundError

    text, name, output = arguments.text, arguments.model or "default", arguments.output
    if output is None:
        output = Path(f"{name if text is None else text.stem}.safetensors")
    for wrong, problem in (
        (text is not None and arguments.model is not None, "pass a model or --text, not both"),
        (arguments.lookups < 20, "--lookups must be at least 20"),
        (arguments.seed < 0, "--seed must be at least 0"),
        # Check it before the training, which takes long.
        (name != "tables" and not output.parent.is_dir(), f"no folder {str(output.parent)!r}"),
    ):
        if wrong:
            print(f"fuzzydict train: {problem}", file=sys.stderr)
            return 2
    options = {"seed": arguments.seed, "lookups": arguments.lookups}
    try:
        if name == "tables":
            folder = arguments.output or Path()
            folder.mkdir(parents=True, exist_ok=True)
            building.write_tables(folder)
            print(f"wrote the tables in {folder}")
            return 0
        if text is not None:
            building.build_from_sentences(text_sentences(text), output, **options)
        else:
            building.build(name, output, **options)
    except (CorpusNotFoundError, TeacherNotFoundError, OSError, ValueError) as error:
        print(f"fuzzydict train: {error}", file=sys.stderr)
        return 1
    print(f"wrote {output} ({output.stat().st_size / 1e6:.1f} MB)")
    return 0
