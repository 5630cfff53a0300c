"""TickTick's Open API: what it keeps, how it writes it, where it answers.

It goes by TickTick's document of the Open API, and by what clients saw where
that is silent or the service does otherwise. Where neither says anything, the
code says so. ``docs/testing.rst`` has a table of it all.
"""
