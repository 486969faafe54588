"""Changes that end a leak: proposed by kind, verified by a second analysis, written at once or not.

A kind of fix is a module here with a function that turns a `Spot` into proposals; `registry` says
which kinds serve which rule. No kind has to be right: `verification` decides what is offered.
"""
