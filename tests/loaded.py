"""What a process has in memory from which tests fork maild: its modules, and its templates compiled."""

import uvloop

import maild.cli.rows
import maild.cli.serve
import maild.mime.parse
import maild.store.lists
from maild.mime.render import Renderer, templates_dir
from tests import forks

__all__ = ["forks", "maild", "uvloop"]

Renderer(templates_dir()).check()
