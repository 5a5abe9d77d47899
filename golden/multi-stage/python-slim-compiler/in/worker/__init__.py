import subprocess


def cut(name):
    subprocess.run(["ffmpeg", "-i", name], check=True)
