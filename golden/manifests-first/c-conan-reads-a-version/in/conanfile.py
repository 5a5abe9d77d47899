from pathlib import Path

from conan import ConanFile


class Shop(ConanFile):
    name = "shop"
    requires = "fmt/11.0.2"

    def set_version(self):
        self.version = Path(self.recipe_folder, "VERSION").read_text().strip()
