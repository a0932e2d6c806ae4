"""Draw the pictures of the README: python docs/pictures.py [FOLDER].

Writes ``attention.png``, ``keys.png``, ``self_attention.png`` and ``projections.png`` into the
folder, by default the folder of this file.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from fuzzydict import FuzzyDict
from fuzzydict.integrations.learned_plots import plot_projections
from fuzzydict.integrations.plots import plot_attention, plot_keys
from fuzzydict.self_attention import self_attention

CAR = """
brand, model, color, top speed, acceleration, horse power, battery, range, charging time, price,
monthly rate, discount, year, weight, height, length, seats, doors, trunk, tyres, wheels, brakes,
steering, navigation, radio, warranty, insurance, owner, mileage, fuel, emissions
"""
QUERIES = ["hue", "velocity", "distance", "maker", "horses", "performance", "parliament"]
TEAM = {
    "falcon": [
        "refund my money", "charged twice", "the invoice is wrong", "cancel my payment",
        "tax on my bill", "wrong price on the receipt",
    ],
    "otter": [
        "the app crashes", "error when I log in", "page does not load", "bug in the search",
        "it freezes at the start", "white screen after update",
    ],
    "maple": [
        "where is my parcel", "the package is late", "change the delivery address",
        "the box arrived broken", "track my shipment", "courier did not come",
    ],
}  # fmt: skip
ASKED = ["an error in the app", "my parcel did not come", "the bill is wrong", "hello there"]


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
    team = FuzzyDict.fromkeys(TEAM)
    team.fit([(query, key) for key, queries in TEAM.items() for query in queries])
    plot_projections(team, ASKED).savefig(folder / "projections.png", dpi=120)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent))
