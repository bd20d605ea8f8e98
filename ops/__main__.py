"""`python -m ops`: run it from the root of the checkout."""

import sys

from local import ROOT
from ops import cli, region

if __name__ == "__main__":
    # Lambda finds the package `topup` under /opt/python. Here it is in the layer's folder, and an operator should not
    # have to set PYTHONPATH.
    sys.path.insert(0, str(ROOT / "layers/topup"))
    region.as_the_cli_reads_it()
    sys.exit(cli.main(sys.argv[1:]))
