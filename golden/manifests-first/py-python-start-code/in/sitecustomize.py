import os

os.environ.setdefault('PIP_INDEX_URL', open('/app/index.url').read())
