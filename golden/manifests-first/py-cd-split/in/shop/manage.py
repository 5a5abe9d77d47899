import os
import pathlib

import itsdangerous

pathlib.Path("collected").write_text(f"{os.environ['PWD']} {os.environ['OLDPWD']} {itsdangerous.__name__}\n")
