"""What commands read and write; where an option changes which operand is which, nothing is known."""

from __future__ import annotations

import pytest
from building import last_run, steps

from rewrite.build import effects
from rewrite.build.effects import Effect
from rewrite.build.paths import SYSTEM


def known(script: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Return what the first command reads and writes."""
    found = effects.effect(steps(script)[0])
    return None if found is None else (found.reads, found.writes)


EFFECTS = {
    "true": ((), ()),
    "X=1": ((), ()),
    "echo a b": ((), ()),
    "echo a > b": ((), ("/app/b",)),
    "echo a >> /x/b 2>&1": ((), ("/x/b",)),
    "cat < b > /dev/null": (("/app/b",), ()),
    "echo a > $HOME/b": ((), ("/root/b",)),
    "cat a ../b": (("/app/a", "/b"), ()),
    "cat *.txt /x/y*/z": (("/app", "/x"), ()),
    'rm -rf "$HOME"/ruby/*/cache': ((), ("/root/ruby",)),
    "cat -n a": (("/app/a",), ()),
    "ls": (("/app",), ()),
    "ls -la /x": (("/x",), ()),
    "test -f a": (("/app/a",), ()),
    "test ! -e a -o -d /b": (("/app/a", "/b"), ()),
    '[ "$UNKNOWN" = production ]': ((), ()),
    "[ a -nt /b ]": (("/app/a", "/b"), ()),
    "mkdir -p a /b": ((), ("/app/a", "/b")),
    "mkdir -m 700 a": ((), ("/app/a",)),
    "mkdir -pm 700 a": ((), ("/app/a",)),
    "mkdir -- -a": ((), ("/app/-a",)),
    "touch -m a": ((), ("/app/a",)),
    "touch -t 01010000 a": ((), ("/app/a",)),
    "rm -rf a b/* /c/*.pyc": ((), ("/app/a", "/app/b", "/c")),
    "rm -rf 'a b'/*": ((), ("/app/a b",)),
    "rm -rf ~/.cache $HOME/x": ((), ("/root/.cache", "/root/x")),
    "rm *.deb": ((), ("/app",)),
    "rm -rf /x/*/y": ((), ("/x",)),
    "rmdir a": ((), ("/app/a",)),
    "chown -R node:node a /b": (("/app/a", "/b"), ("/app/a", "/b")),
    "chown $U:$G a": (("/app/a",), ("/app/a",)),
    'chown "a$U" a': (("/app/a",), ("/app/a",)),
    "chmod +x a": (("/app/a",), ("/app/a",)),
    "chmod 755 *.sh": (("/app",), ("/app",)),
    "chmod -Rf u+w a": (("/app/a",), ("/app/a",)),
    "chgrp -v x a": (("/app/a",), ("/app/a",)),
    "cp a b": (("/app/a",), ("/app/b",)),
    "cp -a a b /c": (("/app/a", "/app/b"), ("/c",)),
    "cp a/* b": (("/app/a",), ("/app/b",)),
    "mv a /b": (("/app/a",), ("/b", "/app/a")),
    "ln -s a b": (("/app/a",), ("/app/b",)),
    "ln -sf /a .": (("/a",), ("/app",)),
    "install -m 755 a /b": (("/app/a",), ("/b",)),
    "install -Dm755 a /b": (("/app/a",), ("/b",)),
    "curl -fsSL https://x.org/a": ((), ()),
    "curl -o a https://x.org/b": ((), ("/app/a",)),
    "curl -fsSLo /a https://x.org/b": ((), ("/a",)),
    "curl -LO 'https://x.org/b.tgz?x=y'": ((), ("/app/b.tgz",)),
    "curl -OL https://x.org/b.tgz": ((), ("/app/b.tgz",)),
    "curl -sSO --output-dir /d https://x.org/b": ((), ("/d/b",)),
    "curl -o /dev/null https://x.org/b": ((), ()),
    "curl --proto '=https' --tlsv1.2 -sSf https://x.org": ((), ()),
    "wget https://x.org/b": ((), ("/app/b",)),
    "wget -q -P /d https://x.org/b": ((), ("/d/b",)),
    "wget -qO- https://x.org/b": ((), ()),
    "wget -qO - https://x.org/b": ((), ()),
    "wget -nv -O a https://x.org/b": ((), ("/app/a",)),
    "wget -o log -O a https://x.org/b": ((), ("/app/a", "/app/log")),
    "update-ca-certificates": (SYSTEM, SYSTEM),
    "dpkg --print-architecture": ((), ()),
    "dpkg -i a.deb": ((*SYSTEM, "/app/a.deb"), SYSTEM),
    "corepack enable": ((), SYSTEM),
    "corepack prepare pnpm@9 --activate": ((), (*SYSTEM, "/root/.cache/node")),
    "useradd -m app": (("/etc",), ("/etc", "/home", "/var/mail", "/var/lib")),
    "useradd -md /srv/x app": (("/etc",), ("/etc", "/home", "/var/mail", "/var/lib", "/srv/x")),
    "python3 -m venv /v": ((), ("/v",)),
    "python -m venv --system-site-packages v": ((), ("/app/v",)),
    "virtualenv -p python3 v": ((), ("/app/v",)),
    "git config --global user.name x": ((), ("/root/.gitconfig", "/root/.config/git")),
    "git config --system a b": ((), ("/etc/gitconfig",)),
    "node -v": ((), ()),
    "python3.12 --version": ((), ()),
    "/usr/bin/rm a": ((), ("/app/a",)),
    "command -v git": ((), ()),
}  # fmt: skip


@pytest.mark.parametrize("script", EFFECTS, ids=str)
def test_known(script: str) -> None:
    assert known(script) == EFFECTS[script]


@pytest.mark.parametrize(
    "script",
    [
        "some-program a", "./test -f a", "bin/rm a", "node_modules/.bin/true", "$CMD a",
        "trap 'rm a' EXIT", "exec rm a", "command rm a", "eval rm a",
        "yarn --version", "cargo --version", "./gradlew --version", "go version", "npm version", "rm -v --what a",
        "cp -t /d a", "cp --target-directory=/d a", "cp -T a b", "cp --parents a b", "cp a", "cp", "cp $A b",
        "cp {a,b} c",
        "mv -t /d a", "mv a", "ln -s a", "ln -st /d a", "ln -r a b", "install -d a b", "install -t /d a", "install a",
        "touch -r a b", "touch --reference=a b", "mkdir $A", "mkdir -Z a", "mkdir -p $UNKNOWN/x", "rmdir -p a/b",
        "rm -rf $UNKNOWN", "rm -rf {a,b}", "rm -rf $UNKNOWN/*", "rm -rf $(ls)", "rm -rf /x/*$A",
        "chmod -x a", "chmod --reference=a b", "chown --reference=a b", "chown --from=a b c", "chown a", "chmod -h 7 a",
        "cat $UNKNOWN", "cat --what a", "test -f $UNKNOWN", "test $UNKNOWN -nt a",
        "echo a > $UNKNOWN", "echo a > *", "cat < $UNKNOWN",
        "curl -K conf https://x.org", "curl -T a https://x.org", "curl -d @a https://x.org", "curl -H @a https://x.org",
        "curl -OJ https://x.org/a", "curl -O https://x.org/", "curl -O https://x.org", "curl -O $URL", "curl file:///app/a",
        "curl -O 'https://x.org/{a,b}'", "wget -i list", "wget -r https://x.org/a", "wget -x https://x.org/a",
        "wget https://x.org/", "tar xzf a.tgz", "tar -C /x -xf a", "unzip a.zip", "sed -i s/a/b/ c",
        "ldconfig ./lib", "locale-gen $LOCALE",
        "dpkg -i $DEB", "dpkg --unpack a.deb", "corepack prepare", "corepack use pnpm@9", "corepack install",
        "corepack prepare $P --activate", "useradd -d $UNKNOWN app", "useradd -mk /app/skel app", "useradd --what a",
        "usermod -d /x a", "python -m venv $V", "python -m venv a b", "python -m http.server", "python app.py",
        "virtualenv", "git clone https://x.org/a", "git config user.name x",
        "cd $UNKNOWN && rm a",
    ],
)  # fmt: skip
def test_unknown(script: str) -> None:
    step = [step for step in steps(script) if step.top][-1]
    assert effects.effect(step) is None


def test_home_must_be_known_where_it_is_used() -> None:
    run = last_run("FROM company/x\nRUN git config --global a b && corepack prepare pnpm@9\n")
    assert [effects.effect(step) for step in run.steps] == [None, None]


def test_who_may_read_any_variable() -> None:
    scripts = ["ldconfig", "curl https://x.org/a", "mkdir a", "python -m venv v"]
    found = [effects.effect(steps(script)[0]) for script in scripts]
    assert [effect and effect.environment for effect in found] == [True, True, False, True]


@pytest.mark.parametrize(
    ("script", "kinds"),
    [
        ("if true; then a; fi && for i in a b; do c; done && { a; } && (b)", []),
        ("[[ -f a ]] && (( 1 + 1 ))", ["test", "arith"]),
        ("case $A in a) b;; esac", ["case"]),
        ("f() { a; } && f", ["function"]),
        ("for i in *.sql; do a; done", ["for"]),
        ("(a; b) > c", ["subshell"]),
        ("{ a; b; } < c | (d) 2>&1", ["brace", "subshell"]),
        ("echo $( (a) > b )", ["subshell"]),
    ],
)
def test_compounds_that_do_more_than_what_is_in_them(script: str, kinds: list[str]) -> None:
    run = last_run(f'SHELL ["bash", "-c"]\nRUN {script}\n')
    assert [command.kind for command in effects.compounds(run)] == kinds


def test_redirections_alone() -> None:
    assert effects.redirected(steps("some-program < a > /b")[0]) == Effect(("/app/a",), ("/b",))
    with pytest.raises(effects.Unknown):
        effects.redirected(steps("some-program > $UNKNOWN")[0])


@pytest.mark.parametrize(
    ("script", "paths"),
    [
        ("rm -rf /a /b/* c '/d e'/*", ("/a", "/b", "/app/c", "/d e")),
        ('rm -rf ~/.cache "$HOME"/.npm/* ${HOME}/x', ("/root/.cache", "/root/.npm", "/root/x")),
        ("rm -rf /a/*.pyc $UNKNOWN /b/*/c {d,e} /f*", ()),
        ("rm -rf $UNKNOWN/*", ()),
        ("rmdir /a", ()),
    ],
)
def test_removed(script: str, paths: tuple[str, ...]) -> None:
    assert effects.removed(steps(script)[0]) == paths


@pytest.mark.parametrize(
    ("script", "may"),
    [
        ("rm -rf /root/.cache/pip", True),
        ("rm -rf /root/.cache", True),
        ("rm -rf /root/.c*", True),
        ("rm -rf /root/.cache/*", True),
        ("rm -rf /root/{.cache,x}", True),
        ("rm -rf /root/$X", True),
        ("rm -rf /root/.cache/pip/x", False),
        ("rm -rf /root/.cachet", False),
        ("rm -rf x", False),
        ("mv /root/.cache/pip /elsewhere", True),
        ("mv -f /elsewhere /root/.cache/pip", False),
        ("echo /root", False),
    ],
)
def test_may_remove(script: str, may: bool) -> None:
    assert effects.may_remove(steps(script)[0], "/root/.cache/pip") is may
