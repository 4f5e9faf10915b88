"""What the pipeline itself runs on: S3 events, functions, their event sources and logs, buckets of a template."""

import contextvars
import json
import os
import re
import socketserver
import time
from pathlib import Path
from typing import Any

_version: contextvars.ContextVar[str | None] = contextvars.ContextVar("windlass_version", default=None)


def apply() -> None:
    # The runtime API answers in two small packets: without this each invocation waits 40 ms for an acknowledgement.
    socketserver.StreamRequestHandler.disable_nagle_algorithm = True
    _put_version_ids_in_s3_events()
    _tell_of_every_delete_marker()
    _keep_lambda_properties()
    _read_numbers_of_event_sources()
    _keep_bucket_properties()
    _write_function_logs()


def _put_version_ids_in_s3_events() -> None:
    from ministack.services import eventbridge, s3

    fire, dispatch = s3._fire_s3_event, eventbridge._dispatch_event

    def fire_s3_event(*positional: Any, **named: Any) -> None:
        token = _version.set(named.get("version_id"))
        try:
            fire(*positional, **named)
        finally:
            _version.reset(token)

    def dispatch_event(event: dict[str, Any], view: Any = None) -> None:
        if event.get("Source") == "aws.s3" and _version.get():
            detail = json.loads(event["Detail"])
            detail["object"].setdefault("version-id", _version.get())
            event = {**event, "Detail": json.dumps(detail)}
        dispatch(event, view)

    s3._fire_s3_event = fire_s3_event
    eventbridge._dispatch_event = dispatch_event


def _tell_of_every_delete_marker() -> None:
    """A deletion makes a marker, and so an event, also where nothing was left to delete."""
    from ministack.services import s3

    record = s3._record_delete_marker

    def record_delete_marker(bucket: str, key: str, current: dict[str, Any] | None) -> str:
        marker = record(bucket, key, current)
        if current is None:
            created = "s3:ObjectRemoved:DeleteMarkerCreated"
            s3._fire_s3_event_async(bucket, key, created, deletion_type="Delete Marker Created", version_id=marker)
        return marker

    s3._record_delete_marker = record_delete_marker


def _keep_lambda_properties() -> None:
    """`RecursiveLoop` and `ReservedConcurrentExecutions` of AWS::Lambda::Function (aws-facts 26)."""
    from ministack.services import lambda_svc
    from ministack.services.cloudformation import provisioners

    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    create, update = handlers["create"], handlers["update"]

    def keep(result: Any, props: dict[str, Any]) -> Any:
        function = lambda_svc._functions.get(result[0] if isinstance(result, tuple) else result)
        if function is not None:
            function["recursive_loop"] = props.get("RecursiveLoop", "Terminate")
            reserved = props.get("ReservedConcurrentExecutions")
            function["concurrency"] = None if reserved is None else int(reserved)
        return result

    def create_function(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        return keep(create(logical_id, props, stack_name), props)

    def update_function(physical_id: str, old: Any, new: dict[str, Any], *rest: Any, **named: Any) -> Any:
        return keep(update(physical_id, old, new, *rest, **named), new)

    handlers["create"], handlers["update"] = create_function, update_function


def _read_numbers_of_event_sources() -> None:
    """A `!Ref` to a Number parameter is text; ministack's poller compares it with a count and stops for every queue."""
    from ministack.services.cloudformation import provisioners

    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"]
    create, update = handlers["create"], handlers.get("update")

    def create_mapping(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        return create(logical_id, _with_numbers(props), stack_name)

    def update_mapping(physical_id: str, old: Any, new: dict[str, Any], *rest: Any, **named: Any) -> Any:
        return update(physical_id, old, _with_numbers(new), *rest, **named)

    handlers["create"] = create_mapping
    if update:
        handlers["update"] = update_mapping


def _with_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_numbers(member) for key, member in value.items()}
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _keep_bucket_properties() -> None:
    """`OwnershipControls` and `BucketEncryption` of AWS::S3::Bucket."""
    from ministack.services import s3
    from ministack.services.cloudformation import provisioners

    def ownership(value: dict[str, Any]) -> bytes:
        rules = "".join(
            f"<Rule><ObjectOwnership>{rule['ObjectOwnership']}</ObjectOwnership></Rule>" for rule in value.get("Rules", [])
        )
        return f'<OwnershipControls xmlns="{s3.S3_NS}">{rules}</OwnershipControls>'.encode()

    def encryption(value: dict[str, Any]) -> bytes:
        rules = ""
        for rule in value.get("ServerSideEncryptionConfiguration", []):
            default = rule.get("ServerSideEncryptionByDefault", {})
            fields = "".join(f"<{name}>{text}</{name}>" for name, text in default.items())
            rules += (
                "<Rule><ApplyServerSideEncryptionByDefault>"
                f"{fields.replace('KMSMasterKeyId', 'KMSMasterKeyID')}</ApplyServerSideEncryptionByDefault></Rule>"
            )
        body = f'<ServerSideEncryptionConfiguration xmlns="{s3.S3_NS}">{rules}</ServerSideEncryptionConfiguration>'
        return body.encode()

    provisioners._S3_BUCKET_CONFIGURATIONS += (
        ("OwnershipControls", ownership, s3._put_bucket_ownership_controls, s3._delete_bucket_ownership_controls),
        ("BucketEncryption", encryption, s3._put_bucket_encryption, s3._delete_bucket_encryption),
    )


def _write_function_logs() -> None:
    """Appends what each invocation logged to LOCAL_LOGS/<function>.log."""
    from ministack.services import lambda_svc

    folder = os.environ.get("LOCAL_LOGS")
    emit = lambda_svc._emit_lambda_logs

    def emit_lambda_logs(func: dict[str, Any], request_id: str, log_text: str, error: bool, duration_ms: int, **named: Any) -> None:
        emit(func, request_id, log_text, error, duration_ms, **named)
        if folder:
            name = re.sub(r"[^\w.-]", "_", (func.get("config") or func).get("FunctionName", "unknown"))
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S")
            outcome = "failed" if error else "done"
            with (Path(folder) / f"{name}.log").open("a") as file:
                file.write(f"{(log_text or '').rstrip()}\n" if log_text else "")
                file.write(f"{stamp} {request_id} {outcome} in {duration_ms} ms\n")

    lambda_svc._emit_lambda_logs = emit_lambda_logs
