from __future__ import annotations

import subprocess
import sys

import threadloom


def test_importing_the_client_imports_no_sqlalchemy() -> None:
    """A team's workflow may import it in its sandbox, where SQLAlchemy would cost fifteen mebibytes each."""
    found = "import sys, threadloom; print([name for name in ('sqlalchemy', 'storage') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", found], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_everything_that_is_promised_is_there() -> None:
    assert all(getattr(threadloom, name) is not None for name in threadloom.__all__)
    assert not hasattr(threadloom, "open_sesame")
