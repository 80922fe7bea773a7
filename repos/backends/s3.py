"""Large objects in an S3 bucket; clients send parts and fetch bytes by presigned addresses."""

import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from repos.backends.base import PartAddress, StoreError

PIECE = 1 << 20
ADDRESS_SECONDS = 3600
GONE = {"NoSuchKey", "NoSuchUpload", "404"}


class S3Store:
    """Objects stand at `objects/<unique>`. A handle is `<multipart id> <key>`: S3 joins the parts under the final key."""

    def __init__(
        self,
        bucket: str,
        *,
        endpoint: str | None,
        region: str | None,
        access_key: str | None,
        secret_key: str | None,
        public_endpoint: str | None = None,
    ) -> None:
        self.bucket = bucket

        def client(address: str | None) -> Any:
            config = Config(
                signature_version="s3v4",
                s3={"addressing_style": "path" if address else "auto"},
                retries={"max_attempts": 4, "mode": "standard"},
            )
            return boto3.client(
                "s3", endpoint_url=address, region_name=region or "us-east-1", aws_access_key_id=access_key or None,
                aws_secret_access_key=secret_key or None, config=config,
            )  # fmt: skip

        self.client = client(endpoint)
        self.signer = client(public_endpoint) if public_endpoint else self.client

    def put(self, name: str, data: bytes) -> str:
        key = f"objects/{uuid.uuid4().hex}"
        self._call(self.client.put_object, Key=key, Body=data)
        return key

    def open(self, location: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        if end is not None and end <= start:
            return iter(())
        wanted = {"Range": f"bytes={start}-{'' if end is None else end - 1}"} if start or end is not None else {}
        answer = self._call(self.client.get_object, Key=location, **wanted)
        pieces: Iterator[bytes] = answer["Body"].iter_chunks(PIECE)
        return pieces

    def url(self, location: str, *, filename: str, content_type: str, inline: bool) -> str | None:
        disposition = f"{'inline' if inline else 'attachment'}; filename*=UTF-8''{quote(filename, safe='')}"
        params = {"Bucket": self.bucket, "Key": location, "ResponseContentDisposition": disposition, "ResponseContentType": content_type}
        address: str = self.signer.generate_presigned_url("get_object", Params=params, ExpiresIn=ADDRESS_SECONDS)
        return address

    def local_path(self, location: str) -> Path | None:
        return None

    def delete(self, location: str) -> None:
        self._call(self.client.delete_object, Key=location)

    def begin(self, name: str, size: int) -> str:
        key = f"objects/{name}"
        if size == 0:
            self._call(self.client.put_object, Key=key, Body=b"")
            return f"- {key}"
        return f"{self._call(self.client.create_multipart_upload, Key=key)['UploadId']} {key}"

    def part_address(self, handle: str, number: int, length: int) -> PartAddress | None:
        upload, key = handle.split(" ", 1)
        params = {"Bucket": self.bucket, "Key": key, "UploadId": upload, "PartNumber": number, "ContentLength": length}
        return PartAddress(self.signer.generate_presigned_url("upload_part", Params=params, ExpiresIn=ADDRESS_SECONDS), {})

    def send_part(self, handle: str, number: int, offset: int, data: bytes) -> str:
        upload, key = handle.split(" ", 1)
        etag: str = self._call(self.client.upload_part, Key=key, UploadId=upload, PartNumber=number, Body=data)["ETag"]
        return etag

    def take(self, name: str, descriptor: int) -> str | None:
        return None

    def seal(self, handle: str, etags: Mapping[int, str]) -> str:
        upload, key = handle.split(" ", 1)
        if upload != "-":
            parts = [{"PartNumber": number, "ETag": etag} for number, etag in sorted(etags.items())]
            try:
                self._call(self.client.complete_multipart_upload, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})
            except StoreError as error:
                if error.code != "blob_missing" or not self._exists(key):
                    raise
        return key

    def publish(self, handle: str, sha256: str) -> str:
        return handle.split(" ", 1)[1]

    def abort(self, handle: str) -> None:
        upload, key = handle.split(" ", 1)
        try:
            if upload != "-":
                self._call(self.client.abort_multipart_upload, Key=key, UploadId=upload)
        except StoreError as error:
            if error.code != "blob_missing":
                raise
        self.delete(key)

    def _exists(self, key: str) -> bool:
        try:
            self._call(self.client.head_object, Key=key)
        except StoreError:
            return False
        return True

    def _call(self, method: Any, **params: Any) -> Any:
        try:
            return method(Bucket=self.bucket, **params)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
            raise StoreError("blob_missing" if code in GONE else f"s3_{code or status}", retry=status >= 500) from error
        except BotoCoreError as error:
            raise StoreError("store_unreachable", retry=True) from error
