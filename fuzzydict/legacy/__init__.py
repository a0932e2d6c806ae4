"""Modules of older versions, under the names by which old pickles import them.

The folder is part of the path of the package: ``fuzzydict.matching`` is found here. A pickle that
commit 8c6bed1 wrote needs them; those of later versions import `fuzzydict.FuzzyDict` alone.
"""
