import os
from flask import Flask

app = Flask(os.environ["NAME"])
