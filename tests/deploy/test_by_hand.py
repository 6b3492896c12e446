"""What the guide has an administrator without Docker type makes a configuration of nginx in which nothing is left open."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "deploy.md").read_text()


@pytest.mark.parametrize("mode", ["tls", "tunnel"])
def test_the_guides_own_commands_fill_the_template(tmp_path: Path, mode: str) -> None:
    """Each variable gets its value, and nginx's own variables stay."""
    export = re.search(r"^export FIBERQ_API.*?(?<!\\)$", GUIDE, re.MULTILINE | re.DOTALL)
    envsubst = re.search(r"^envsubst.*?> /etc/nginx/conf.d/fiberq.conf$", GUIDE, re.MULTILINE | re.DOTALL)
    assert export and envsubst
    made = tmp_path / "fiberq.conf"
    command = (
        envsubst[0]
        .replace("nginx/tls/", f"nginx/{mode}/")
        .replace("/etc/nginx/conf.d/fiberq.conf", shlex.quote(str(made)))
    )

    subprocess.run(["bash", "-euc", f"{export[0]}\n{command}"], cwd=ROOT, check=True)

    assert "${" not in made.read_text()
    assert "listen 80 default_server;" in made.read_text()
    assert "$fiberq_api" in made.read_text()
