"""`export`: both tables as files in DynamoDB's own format, by a scan of the local stack or by DynamoDB itself."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.in_process.environment import NOW
from local.in_process.shop import Shop
from ops import cli
from ops.errors import CannotRunError
from ops.export import command, deployed, files
from tests.ops.test_commands import Aws, a_body, aws

__all__ = ["aws"]

MOMENT = datetime(2026, 10, 1, 12, tzinfo=UTC)


def an_item(number: int) -> dict[str, Any]:
    return {"user_id": {"S": f"user-{number}"}, "record": {"S": "WALLET"}, "balance": {"N": str(number)}}


def lines(paths: tuple[Path, ...]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            found += [json.loads(line) for line in file]
    return found


def arn_of(table: str) -> str:
    return f"arn:aws:dynamodb:eu-central-1:111122223333:table/{table}"


def write(directory: Path, items: int = 3, moment: datetime = MOMENT) -> None:
    for table in files.TABLES:
        files.write(directory / table, map(an_item, range(items)), moment, lambda _written: None)


# -------------------------------------------------------------------------------------------------- the local stack


def test_every_record_of_both_tables_is_exported_as_it_is_stored(shop: Shop, tmp_path: Path):
    payment_id, _ = shop.buy()
    shop.spend(5, description="größer")
    shop.refund(payment_id, 10)
    names = {"credits": shop.dynamodb.credits_table, "orders": shop.dynamodb.orders_table}

    command.scan(names, tmp_path, shop.now)

    found = files.read(tmp_path)
    assert found.taken_at == NOW
    for table, exported in (("credits", found.credits), ("orders", found.orders)):
        stored = shop.dynamodb.client.scan(TableName=names[table], ConsistentRead=True)["Items"]
        assert exported.items == len(stored) > 0
        assert [line["Item"] for line in lines(exported.files)] == stored


@pytest.mark.parametrize("items", [0, 2, 3, 4, 5])
def test_a_large_table_is_written_in_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, items: int):
    monkeypatch.setattr(files, "ITEMS_PER_FILE", 2)
    written: list[int] = []

    for table in files.TABLES:
        files.write(tmp_path / table, map(an_item, range(items)), MOMENT, written.append)

    exported = files.read(tmp_path).orders
    assert exported.items == written[-1] == items
    assert len(exported.files) == items // 2 + 1
    assert lines(exported.files) == [{"Item": an_item(number)} for number in range(items)]


@pytest.mark.parametrize("options", [[], ["--stack", "topup-prod"]])
def test_it_needs_a_directory(options: list[str], capsys: pytest.CaptureFixture[str]):
    assert cli.main(["export", *options]) == 2
    assert capsys.readouterr().err.startswith("cannot run export: OUT is missing (make: OUT=)")


def test_it_writes_nothing_beside_other_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "mine").touch()

    assert cli.main(["export", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"cannot run export: {tmp_path} is not empty: name a new directory\n"


# ------------------------------------------------------------------------------------------------ what is no export


def test_a_changed_or_missing_file_is_refused(tmp_path: Path):
    write(tmp_path)
    [path] = (tmp_path / "orders").glob("AWSDynamoDB/*/data/*.json.gz")

    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CannotRunError, match="is not as its manifest says"):
        files.read(tmp_path)
    path.unlink()
    with pytest.raises(CannotRunError, match="is not as its manifest says"):
        files.read(tmp_path)


def test_an_export_without_its_summary_is_not_finished(tmp_path: Path):
    write(tmp_path)
    [path] = (tmp_path / "credits").glob("AWSDynamoDB/*/manifest-summary.json")
    path.unlink()

    with pytest.raises(CannotRunError, match="credits has no finished exports: make one with `make export OUT="):
        files.read(tmp_path)


def test_two_exports_in_one_directory_are_refused(tmp_path: Path):
    write(tmp_path)
    write(tmp_path, moment=MOMENT + timedelta(days=1))

    with pytest.raises(CannotRunError, match="credits has 2 finished exports"):
        files.read(tmp_path)


def test_tables_of_two_moments_are_refused(tmp_path: Path):
    for table, moment in zip(files.TABLES, (MOMENT, MOMENT + timedelta(seconds=1)), strict=True):
        files.write(tmp_path / table, [], moment, lambda _written: None)

    with pytest.raises(CannotRunError, match="export both again, as of the same moment"):
        files.read(tmp_path)


@pytest.mark.parametrize("damage", ["{", "{}", "[]"])
def test_a_manifest_that_cannot_be_read_is_named(tmp_path: Path, damage: str):
    write(tmp_path)
    [path] = (tmp_path / "credits").glob("AWSDynamoDB/*/manifest-summary.json")
    path.write_text(damage)

    with pytest.raises(CannotRunError, match="beside it cannot be read"):
        files.read(tmp_path)


# ------------------------------------------------------------------------------------------------- a deployed stack


class Deployed:
    """The stack topup-prod; `at_s3` has what DynamoDB writes to its bucket."""

    def __init__(self, aws: Aws, at_s3: Path) -> None:
        self.aws = aws
        self._at_s3 = at_s3
        write(at_s3)

    def is_asked_for_an_export(self, **request: str) -> None:
        names = {"CreditsTableName": "credits-1", "OrdersTableName": "orders-1", "ExportsBucketName": "bucket-1"}
        self.aws.has_stack(**names)
        self.aws.has_stack(**names)
        dynamodb = self.aws.stub("dynamodb")
        for table in files.TABLES:
            arn = {"Table": {"TableArn": arn_of(table)}}
            dynamodb.add_response("describe_table", arn, {"TableName": f"{table}-1"})
        for table, minutes in (("credits", 5), ("orders", 6)):
            self.is_recoverable(f"{table}-1", MOMENT - timedelta(minutes=minutes))
        for table in files.TABLES:
            dynamodb.add_response(
                "export_table_to_point_in_time",
                {"ExportDescription": {"ExportArn": f"{arn_of(table)}/export/1"}},
                {
                    "TableArn": arn_of(table),
                    "ExportTime": MOMENT - timedelta(minutes=6),
                    "ClientToken": "token",
                    "S3Bucket": "bucket-1",
                    "S3Prefix": f"2026-10-01T11-54-00Z/{table}",
                    "ExportFormat": "DYNAMODB_JSON",
                    "S3SseAlgorithm": "AES256",
                    **request,
                },
            )

    def is_recoverable(self, table: str, until: datetime | None) -> None:
        recovery = {
            "PointInTimeRecoveryStatus": "ENABLED" if until else "DISABLED",
            **({"LatestRestorableDateTime": until} if until else {}),
        }
        described = {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery}
        self.aws.stub("dynamodb").add_response(
            "describe_continuous_backups", {"ContinuousBackupsDescription": described}, {"TableName": table}
        )

    def describes(self, table: str, status: str = "COMPLETED", **more: str) -> None:
        [summary] = (self._at_s3 / table).glob("AWSDynamoDB/*/manifest-summary.json")
        key = str(summary.relative_to(self._at_s3 / table))
        described = {"ExportStatus": status, "S3Bucket": "bucket-1", "ExportManifest": key, **more}
        request = {"ExportArn": f"{arn_of(table)}/export/1"}
        self.aws.stub("dynamodb").add_response("describe_export", {"ExportDescription": described}, request)

    def is_read(self, table: str, *, data: bytes | None = b"", is_there: bool = False) -> None:
        """The manifests are read from the bucket, and the data file, unless it is there already."""
        home = self._at_s3 / table
        [path] = home.glob("AWSDynamoDB/*/data/*.json.gz")
        paths = [path.parents[1] / files.SUMMARY, path.parents[1] / files.FILES, *([] if is_there else [path])]
        for one in paths:
            content = data if data and one == path else one.read_bytes()
            request = {"Bucket": "bucket-1", "Key": str(one.relative_to(home))}
            self.aws.stub("s3").add_response("get_object", {"Body": a_body(content)}, request)


@pytest.fixture
def stack(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    monkeypatch.setattr("uuid.uuid4", lambda: "token")
    return Deployed(aws, tmp_path / "s3")


def test_dynamodb_exports_both_tables_as_of_one_moment_and_the_files_are_fetched(
    stack: Deployed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    stack.is_asked_for_an_export()
    stack.describes("credits", "IN_PROGRESS")
    for table in files.TABLES:
        stack.describes(table)
        stack.is_read(table)
    out = tmp_path / "out"

    assert cli.main(["export", "--stack", "topup-prod", "--out", str(out)]) == 0

    assert {path.name for path in out.iterdir()} == set(files.TABLES)
    assert [line["Item"] for line in lines(files.read(out).credits.files)] == [an_item(number) for number in range(3)]
    printed = capsys.readouterr()
    assert printed.out == f"3 items of credits, 3 of orders, as of 2026-10-01T12:00:00Z, in {out}\n"
    assert printed.err.splitlines()[0] == "… DynamoDB exports the tables as of 2026-10-01T11:54:00Z"


def test_an_interrupted_export_goes_on_with_what_was_requested(stack: Deployed, tmp_path: Path):
    stack.is_asked_for_an_export()
    stack.describes("credits")
    stack.is_read("credits")
    stack.describes("orders")
    stack.is_read("orders", data=b"half a fi")
    out = tmp_path / "out"
    arguments = ["export", "--stack", "topup-prod", "--out", str(out)]
    assert cli.main(arguments) == 2

    stack.describes("credits")
    stack.is_read("credits", is_there=True)
    stack.describes("orders")
    stack.is_read("orders")
    assert cli.main(arguments) == 0

    assert files.read(out).orders.items == 3


def test_a_directory_with_another_stacks_unfinished_export_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / deployed.NOTE).write_text(json.dumps({"stack": "topup-staging", "exports": {}}))

    assert cli.main(["export", "--stack", "topup-prod", "--out", str(tmp_path)]) == 2
    assert f"{tmp_path} has an unfinished export of topup-staging" in capsys.readouterr().err


def test_an_export_that_failed_says_why(stack: Deployed, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    stack.is_asked_for_an_export()
    stack.describes("credits", "FAILED", FailureMessage="no such bucket")

    assert cli.main(["export", "--stack", "topup-prod", "--out", str(tmp_path / "out")]) == 2
    assert "DynamoDB's export of credits failed: no such bucket: name a new directory" in capsys.readouterr().err


def test_a_table_without_point_in_time_recovery_is_named_with_what_switches_it_on(
    stack: Deployed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    names = {"CreditsTableName": "credits-1", "OrdersTableName": "orders-1", "ExportsBucketName": "bucket-1"}
    stack.aws.has_stack(**names)
    stack.aws.has_stack(**names)
    for table in files.TABLES:
        described = {"Table": {"TableArn": arn_of(table)}}
        stack.aws.stub("dynamodb").add_response("describe_table", described, {"TableName": f"{table}-1"})
    stack.is_recoverable("credits-1", None)

    assert cli.main(["export", "--stack", "topup-prod", "--out", str(tmp_path / "out")]) == 2
    assert "aws dynamodb update-continuous-backups --table-name credits-1 " in capsys.readouterr().err
