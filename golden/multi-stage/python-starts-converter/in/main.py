import subprocess
subprocess.run(['libreoffice', '--headless'])
