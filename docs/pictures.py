"""Draw the pictures of the README: python docs/pictures.py [FOLDER].

Writes ``attention.png``, ``keys.png`` and ``self_attention.png`` into the folder, by default the
folder of this file.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from fuzzydict import FuzzyDict
from fuzzydict.integrations.plots import plot_attention, plot_keys
from fuzzydict.self_attention import self_attention

CAR = """
brand, model, color, top speed, acceleration, horse power, battery, range, charging time, price,
monthly rate, discount, year, weight, height, length, seats, doors, trunk, tyres, wheels, brakes,
steering, navigation, radio, warranty, insurance, owner, mileage, fuel, emissions
"""
QUERIES = ["hue", "velocity", "distance", "maker", "horses", "performance", "parliament"]


def main(folder: Path) -> None:
    """Write all pictures to a folder."""
    car = FuzzyDict.fromkeys(" ".join(CAR.split()).split(", "))
    pictures = {
        "attention": plot_attention(car, QUERIES, n=8),
        "keys": plot_keys(car, "distance"),
        "self_attention": self_attention("default", "the bank of the river").plot(),
    }
    for name, axes in pictures.items():
        axes.figure.savefig(folder / f"{name}.png", dpi=120)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent))
