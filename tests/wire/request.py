"""What a request over the wire is: whose, which action, whether it changes something; and errors as its service words them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

READS = ("Describe", "Get", "Head", "List")
#: The service in the scope of a signature.
SCOPE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/")
CBOR = re.compile(r"/service/[^/]+/operation/(\w+)")


@dataclass(frozen=True)
class Asked:
    """`ec2:CreateVpc`, or for S3 `s3:PutObject stacks/dev/web/head.json`."""

    service: str
    action: str
    subject: str = ""
    dialect: str = "query"

    @property
    def changes(self) -> bool:
        return not self.action.startswith(READS)

    def __str__(self) -> str:
        return f"{self.service}:{self.action} {self.subject}".rstrip()


def asked(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Asked:
    scope = SCOPE.search(headers.get("Authorization", ""))
    service = scope.group(1) if scope else "unknown"
    if service == "s3":
        return _of_s3(method, target)
    if cbor := CBOR.match(target):
        return Asked(service, cbor.group(1), dialect="cbor")
    if json_target := headers.get("X-Amz-Target"):
        return Asked(service, json_target.rpartition(".")[2], dialect="json")
    action = parse_qs(body.decode(errors="replace")).get("Action", ["Unknown"])[0]
    return Asked(service, action, dialect="ec2" if service == "ec2" else "query")


def _of_s3(method: str, target: str) -> Asked:
    bucket, _, key = urlsplit(target).path.strip("/").partition("/")
    action = f"{method.title()}Object" if key else f"{method.title()}Bucket"
    return Asked("s3", action, key or bucket, "s3")


def refusal(request: Asked, throttled: bool) -> tuple[int, str, bytes]:
    """Status, content type and body of an error that says "later": a throttle, or a failure of the service's own."""
    code, status = _code(request, throttled)
    message = "Injected by the wire."
    if request.dialect == "json":
        return status, "application/x-amz-json-1.0", json.dumps({"__type": code, "message": message}).encode()
    if request.dialect == "cbor":
        import cbor2

        return status, "application/cbor", cbor2.dumps({"__type": code, "message": message})
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    if request.dialect == "ec2":
        error = f"<Response><Errors>{error}</Errors><RequestID>wire</RequestID></Response>"
    elif request.dialect == "query":
        error = f"<ErrorResponse>{error}<RequestId>wire</RequestId></ErrorResponse>"
    return status, "text/xml", error.encode()


def _code(request: Asked, throttled: bool) -> tuple[str, int]:
    if not throttled:
        return {"s3": "InternalError", "ec2": "InternalError"}.get(request.dialect, "InternalFailure"), 500
    if request.dialect in ("s3", "ec2"):
        return {"s3": "SlowDown", "ec2": "RequestLimitExceeded"}[request.dialect], 503
    return "Throttling" if request.dialect == "query" else "ThrottlingException", 400
