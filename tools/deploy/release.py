"""What a checkout's build takes care of is looked at in an unpacked release, where the catalogue may be edited."""

import os

import boto3

from ops.errors import CannotRunError
from tools.deploy import build
from topup.domain.errors import ConfigurationError
from topup.runtime import config


def check() -> None:
    """Raise CannotRunError where the functions would refuse the catalogue, or could not trust AWS."""
    if build.roots(boto3.Session().region_name or "") != "amazon":
        raise CannotRunError(
            "a release's functions trust only Amazon's own certificate authorities: deploy from a checkout"
        )
    os.environ["CATALOGUE_FILE"] = ""  # not another one, which somebody tries: the layer's own
    try:
        config.catalogue()
    except ConfigurationError as error:
        raise CannotRunError(f"the catalogue cannot be deployed: {error.detail}") from error
