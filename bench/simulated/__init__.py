"""Simulated lives of the objects of a site, and how right a rule on them is."""
