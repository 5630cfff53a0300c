"""Everything is in setup.cfg; older installers look for this file."""

from setuptools import setup

setup()
