"""Leave out of the packages what no function loads: 9 MB. tests/packaging/test_layers.py follows all other imports."""

import shutil
from collections.abc import Mapping
from pathlib import Path

# Packages that others require, and why nothing of ours needs them. The layer's bill of materials does not list them.
UNUSED_PACKAGES: Mapping[str, str] = {
    "boto3": "clients are made by botocore, around which it is; Powertools requires it for its Parameters",
    "s3transfer": "boto3's uploads to S3",
    "pycparser": "cffi's reader of C",
    "requests": "Stripe's library requires it; requests to Stripe go by urllib3 (stripe_gateway/http_client.py)",
    "charset_normalizer": "requests guesses encodings with it",
    "idna": "requests requires it, for addresses with letters beyond ASCII",
    "certifi": "requests requires it; botocore has a bundle of certificate authorities of its own",
}

# Parts of packages, as patterns below the folder of the packages.
UNUSED_PARTS: Mapping[str, str] = {
    "cffi": "builds extension modules; cryptography needs its compiled half, _cffi_backend",
    "dateutil/tz/win.py": "time zones of Windows",
    "dateutil/tzwin.py": "the same by its former name",
    "urllib3/contrib/pyopenssl.py": "TLS by a package that is not installed; botocore asks for it, and does without",
    "pydantic/v1": "pydantic's first version, for models that were written for it",
    "pydantic/mypy.py": "a plugin for mypy",
    "aws_lambda_powertools/event_handler": "a router; ours is API Gateway (docs/decisions/0006)",
    **{
        f"aws_lambda_powertools/utilities/{name}": "a utility that no function uses"
        for name in (
            "auth_alpha",
            "circuit_breaker",
            "data_masking",
            "feature_flags",
            "idempotency",
            "kafka",
            "metadata",
            "parameters",
            "streaming",
            "typing",
            "validation",
        )
    },
}


def remove_unused_packages(python: Path) -> None:
    """Remove packages with their metadata, before the bill of materials is made."""
    for name in UNUSED_PACKAGES:
        _remove(python, name)
        _remove(python, f"{name}-*.dist-info")


def remove_unused_parts(python: Path) -> None:
    """Remove parts of packages whose metadata stays, and with it their licences."""
    for pattern in UNUSED_PARTS:
        _remove(python, pattern)


def _remove(python: Path, pattern: str) -> None:
    """A pattern that finds nothing is one too many: the package has changed."""
    found = list(python.glob(pattern))
    if not found:
        raise SystemExit(f"{pattern} is not among the installed packages: see tools/build/{Path(__file__).name}")
    for path in found:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
