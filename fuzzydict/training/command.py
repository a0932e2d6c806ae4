"""``fuzzydict train``: train word vectors, fit the scorer on them, and write a model file."""

import argparse
import sys
from pathlib import Path

__all__ = ["add_arguments", "run"]

_EXAMPLES = """examples:
  fuzzydict train                              writes default.safetensors, in 15 minutes
  fuzzydict train open                         writes open.safetensors, for commercial use
  fuzzydict train brown                        writes brown.safetensors, in 3 minutes
  fuzzydict train tables -o data               writes data/opposites.tsv and irregular.tsv
  fuzzydict train --text sentences.txt -o mine.safetensors
  fuzzydict train open --vectors old.safetensors    fits the scorer alone again
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``fuzzydict train``."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "model",
        nargs="?",
        choices=("default", "open", "wordnet", "brown", "tables"),
        help="the default model; the one without Brown, for commercial use; WordNet and the "
        "lexicon alone; plain Word2Vec on Brown; or the tables of opposites and irregular forms "
        "(default: default)",
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
    parser.add_argument(
        "--refit",
        action="store_true",
        help="with --text: fit a scorer for the text, in some minutes (default: use the one of a "
        "shipped model)",
    )
    parser.add_argument(
        "--vectors",
        type=Path,
        metavar="FILE",
        help="a model of which words and vectors are taken, to fit its scorer alone",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    from fuzzydict.training import building
    from fuzzydict.training.corpora import CorpusNotFoundError
    from fuzzydict.training.teacher import TeacherNotFoundError

    text, name, output = arguments.text, arguments.model or "default", arguments.output
    if output is None:
        output = Path(f"{name if text is None else text.stem}.safetensors")
    for wrong, problem in (
        (text is not None and arguments.model is not None, "pass a model or --text, not both"),
        (arguments.refit and text is None, "--refit needs --text"),
        (arguments.vectors is not None and text is not None, "--vectors needs a model, not --text"),
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
            _train_on_text(text, output, arguments.refit, options)
        else:
            building.build(name, output, vectors_of=arguments.vectors, **options)
    except (CorpusNotFoundError, TeacherNotFoundError, OSError, ValueError) as error:
        print(f"fuzzydict train: {error}", file=sys.stderr)
        return 1
    print(f"wrote {output} ({output.stat().st_size / 1e6:.1f} MB)")
    return 0


def _train_on_text(text: Path, output: Path, refit: bool, options: dict[str, int]) -> None:
    """Train a model on a text file, and print some of what it learned."""
    from fuzzydict.training import custom
    from fuzzydict.training.corpora import CorpusNotFoundError, text_sentences

    model = custom.build_from_sentences(text_sentences(text), output, refit=refit, **options)
    print("some words and their nearest neighbours:")
    for word, others in custom.neighbours(model):
        print(f"  {word}: {', '.join(others)}")
    try:
        fit = custom.check_scorer(model)
    except CorpusNotFoundError:
        print("the scorer was not checked, because that needs NLTK's corpus wordnet")
        return
    print(f"lookups made from WordNet: {fit.correct:.0%} correct, {fit.wrong:.0%} wrong")
    if not (fit.is_good or refit):
        print("the scorer does not suit these vectors well: --refit fits one that does")
