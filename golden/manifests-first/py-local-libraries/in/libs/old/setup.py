import os
import re

from setuptools import find_packages, setup

here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "..", "..", "VERSION")) as file:
    version = file.read().strip()
with open(os.path.join(here, "README.md")) as file:
    readme = file.read()
name = re.compile(r"^# (.*)").match(readme)[1]

setup(
    name=name,
    version=version,
    long_description=readme,
    packages=find_packages(),
    extras_require={"fast": ["orjson"]},
)
