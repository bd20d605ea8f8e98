"""Export a deployed stack's tables: DynamoDB writes both to the stack's bucket, as of one moment.

It takes minutes, and no capacity of the tables. What was requested is noted in the directory, so that the command may
be run again and goes on.
"""

import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

from ops import target
from ops.errors import CannotRunError
from ops.export import files

NOTE = "unfinished.json"
POLL_EVERY = 15  # seconds
OUTPUTS = {"credits": "CreditsTableName", "orders": "OrdersTableName"}
BUCKET = "ExportsBucketName"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Requested:
    """The exports that DynamoDB was asked for, by table: their ARNs."""

    stack: str
    exports: Mapping[str, str]


def export(stack: str, out: Path, say: Say) -> None:
    """Export into an empty directory, or go on there; raises CannotRunError."""
    requested = _noted(out, stack) or _request(stack, out, say)
    with _explained(stack):
        for table, arn in requested.exports.items():
            described = _wait(table, arn, say)
            _fetch(described, out, table, say)
    (out / NOTE).unlink()


def _noted(out: Path, stack: str) -> Requested | None:
    note = out / NOTE
    if not note.exists():
        return None
    requested = Requested(**json.loads(note.read_text()))
    if requested.stack != stack:
        raise CannotRunError(f"{out} has an unfinished export of {requested.stack}: name another directory")
    return requested


def _request(stack: str, out: Path, say: Say) -> Requested:
    outputs, _ = target.outputs_of(stack, {*OUTPUTS.values(), BUCKET})
    key = (target.parameters_of(stack) or {}).get("DataKeyArn")
    encryption: dict[str, str] = (
        {"S3SseAlgorithm": "KMS", "S3SseKmsKeyId": key} if key else {"S3SseAlgorithm": "AES256"}
    )
    with _explained(stack):
        dynamodb: Any = boto3.client("dynamodb")
        arns = {
            table: dynamodb.describe_table(TableName=outputs[name])["Table"]["TableArn"]
            for table, name in OUTPUTS.items()
        }
        moment = min(_latest(dynamodb, outputs[name]) for name in OUTPUTS.values())
        say(f"DynamoDB exports the tables as of {moment:%Y-%m-%dT%H:%M:%SZ}")
        requested = Requested(
            stack,
            {
                table: dynamodb.export_table_to_point_in_time(
                    TableArn=arn,
                    ExportTime=moment,
                    ClientToken=str(uuid.uuid4()),
                    S3Bucket=outputs[BUCKET],
                    S3Prefix=f"{moment:%Y-%m-%dT%H-%M-%SZ}/{table}",
                    ExportFormat="DYNAMODB_JSON",
                    **encryption,
                )["ExportDescription"]["ExportArn"]
                for table, arn in arns.items()
            },
        )
    out.mkdir(parents=True, exist_ok=True)
    (out / NOTE).write_text(json.dumps(asdict(requested)))
    return requested


def _latest(dynamodb: Any, table: str) -> datetime:
    """The latest moment that an export of the table may show: some five minutes ago."""
    described = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    recovery = described["PointInTimeRecoveryDescription"]
    if recovery["PointInTimeRecoveryStatus"] != "ENABLED":
        raise CannotRunError(
            f"table {table} has no point-in-time recovery, which an export needs: aws dynamodb "
            f"update-continuous-backups --table-name {table} "
            "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
        )
    moment: datetime = recovery["LatestRestorableDateTime"]
    return moment.astimezone(UTC).replace(microsecond=0)


def _wait(table: str, arn: str, say: Say) -> Mapping[str, Any]:
    """The description of an export that is complete."""
    dynamodb: Any = boto3.client("dynamodb")
    started = time.monotonic()
    while True:
        described: Mapping[str, Any] = dynamodb.describe_export(ExportArn=arn)["ExportDescription"]
        match described["ExportStatus"]:
            case "COMPLETED":
                return described
            case "FAILED":
                raise CannotRunError(
                    f"DynamoDB's export of {table} failed: {described.get('FailureMessage')}: name a new directory"
                )
        say(f"{table}: DynamoDB is at it, for {time.monotonic() - started:.0f} s here")
        time.sleep(POLL_EVERY)


def _fetch(described: Mapping[str, Any], out: Path, table: str, say: Say) -> None:
    """Fetch what is not there yet; the summary comes last, because without it an export is not finished."""
    bucket, key = described["S3Bucket"], described["ExportManifest"]
    home = out / table / "AWSDynamoDB" / key.split("/")[-2]
    (home / "data").mkdir(parents=True, exist_ok=True)
    summary = target.read_object(bucket, key)
    manifest = target.read_object(bucket, json.loads(summary)["manifestFilesS3Key"])
    listed = [json.loads(line) for line in manifest.splitlines()]
    for number, one in enumerate(listed, start=1):
        path = files.data_path(home, one)
        if not files.is_whole(path, one["md5Checksum"]):
            _download(bucket, one["dataFileS3Key"], path)
        say(f"{table}: {number} of {len(listed)} files")
        if not files.is_whole(path, one["md5Checksum"]):
            raise CannotRunError(f"s3://{bucket}/{one['dataFileS3Key']} is not as its manifest says: run it again")
    (home / files.FILES).write_bytes(manifest)
    (home / files.SUMMARY).write_bytes(summary)


def _download(bucket: str, key: str, path: Path) -> None:
    body: Any = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"]
    with path.open("wb") as file:
        shutil.copyfileobj(body, file)


@contextmanager
def _explained(stack: str) -> Iterator[None]:
    with target.explained(f"the export of stack {stack}"):
        yield
