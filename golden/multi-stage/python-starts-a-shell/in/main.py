import subprocess
subprocess.run(["sudo", "hg", "identify"])
