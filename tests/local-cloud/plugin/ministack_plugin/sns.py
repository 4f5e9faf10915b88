"""Topics are the same only with the same tags; people confirm their subscriptions; errors have AWS's codes
(aws-facts 36, 66)."""

import re
import urllib.parse
from typing import Any

#: Names of error types and the codes that AWS answers in their place.
_CODES = {
    "InvalidParameterException": "InvalidParameter",
    "InvalidParameterValueException": "ParameterValueInvalid",
    "NotFoundException": "NotFound",
    "ResourceNotFoundException": "ResourceNotFound",
    "AuthorizationErrorException": "AuthorizationError",
}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def apply() -> None:
    _name_errors_by_code()
    _check_topics()
    _check_messages()
    _wait_for_confirmation()
    _unsubscribe_by_arn()
    _stay_on_this_machine()


def _name_errors_by_code() -> None:
    from ministack.services import sns

    error = sns._error
    sns._error = lambda code, message, status: error(_CODES.get(code, code), message, status)


def _check_topics() -> None:
    from ministack.services import sns

    create = sns._create_topic

    def create_topic(params: Any) -> Any:
        name, tags = sns._p(params, "Name"), sns._param_tags(params)
        if not re.fullmatch(r"[\w-]{1,256}|[\w-]{1,251}\.fifo", name, re.ASCII):
            return sns._error("InvalidParameter", "Invalid parameter: Topic Name", 400)
        topic = sns._topics.get(f"arn:aws:sns:{sns.get_region()}:{sns.get_account_id()}:{name}")
        if topic and tags and tags != topic["tags"]:
            words = "Invalid parameter: Tags Reason: Topic already exists with different tags"
            return sns._error("InvalidParameter", words, 400)
        return create(params)

    sns._create_topic = create_topic


def _check_messages() -> None:
    """A subject is one line of at most 100 printable ASCII characters, and a message has words."""
    from ministack.services import sns

    publish = sns._publish

    def publish_checked(params: Any) -> Any:
        subject = sns._p(params, "Subject")
        if subject and not re.fullmatch(r"[ -~]{1,100}", subject):
            return sns._error("InvalidParameter", "Invalid parameter: Subject", 400)
        if not sns._p(params, "Message"):
            return sns._error("InvalidParameter", "Invalid parameter: Empty message", 400)
        return publish(params)

    sns._publish = publish_checked


def _wait_for_confirmation() -> None:
    """Mail is pending until somebody follows the link in it: here, the control channel does."""
    from ministack.services import sns

    subscribe, of_topic, of_all = sns._subscribe, sns._list_subscriptions_by_topic, sns._list_subscriptions

    def subscribe_pending(params: Any) -> Any:
        protocol, endpoint = sns._p(params, "Protocol"), sns._p(params, "Endpoint")
        wrong = _wrong_endpoint(protocol, endpoint)
        if wrong:
            return sns._error("InvalidParameter", f"Invalid parameter: {wrong}", 400)
        topic = sns._topic_by_arn_any_scope(sns._normalize_arn(sns._p(params, "TopicArn")))
        known = topic and _find(topic, protocol, endpoint)
        answer = subscribe(params)
        if answer[0] != 200:
            return answer
        subscription = _find(topic, protocol, endpoint)
        if protocol.startswith("email") and not known:
            _unconfirm(topic, subscription)
        if subscription["confirmed"]:
            return answer
        subscription["windlass_asked"] = subscription.get("windlass_asked", 0) + 1
        arn = subscription["arn"] if sns._p(params, "ReturnSubscriptionArn") == "true" else "pending confirmation"
        result = f"<SubscribeResult><SubscriptionArn>{arn}</SubscriptionArn></SubscribeResult>"
        return sns._xml(200, "SubscribeResponse", result)

    sns._subscribe = subscribe_pending
    sns._list_subscriptions_by_topic = lambda params: _hide_pending(of_topic(params))
    sns._list_subscriptions = lambda params: _hide_pending(of_all(params))


def _unsubscribe_by_arn() -> None:
    """What is not confirmed has a word in place of an ARN, and cannot be unsubscribed by it."""
    from ministack.services import sns

    unsubscribe = sns._unsubscribe

    def unsubscribe_checked(params: Any) -> Any:
        parts = len(sns._p(params, "SubscriptionArn").split(":"))
        if parts >= 6:
            return unsubscribe(params)
        words = f"Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not {parts}"
        return sns._error("InvalidParameter", words, 400)

    sns._unsubscribe = unsubscribe_checked


def _wrong_endpoint(protocol: str, endpoint: str) -> str | None:
    if protocol.startswith("email") and not re.fullmatch(r"[^@\s]+@[^@\s]+", endpoint):
        return "Email address"
    if protocol in ("http", "https") and not endpoint.startswith(f"{protocol}://"):
        return "Endpoint must match the specified protocol"
    return None


def _find(topic: dict[str, Any], protocol: str, endpoint: str) -> Any:
    matches = (s for s in topic["subscriptions"] if (s["protocol"], s["endpoint"]) == (protocol, endpoint))
    return next(matches, None)


def _unconfirm(topic: dict[str, Any], subscription: dict[str, Any]) -> None:
    from ministack.services import sns

    subscription.update(confirmed=False, token=sns.new_uuid())
    subscription["attributes"].update(PendingConfirmation="true", ConfirmationWasAuthenticated="false")
    sns._refresh_subscription_counts(topic)


def _hide_pending(answer: Any) -> Any:
    """Lists show a word in place of the ARN of what is not confirmed."""
    from ministack.services import sns

    status, headers, body = answer
    for topic in sns._topics.values():
        for subscription in topic["subscriptions"]:
            if not subscription["confirmed"]:
                body = body.replace(f">{subscription['arn']}<".encode(), b">PendingConfirmation<")
    return status, headers, body


def confirm(topic_arn: str, endpoint: str) -> dict[str, Any]:
    """Somebody follows the link in the confirmation."""
    from ministack.services import sns

    for subscription in sns._topics[topic_arn]["subscriptions"]:
        if subscription["endpoint"] == endpoint:
            subscription.update(confirmed=True, token=None)
            subscription["attributes"].update(PendingConfirmation="false", ConfirmationWasAuthenticated="true")
            sns._refresh_subscription_counts(sns._topics[topic_arn])
            return {"confirmed": subscription["arn"]}
    raise LookupError(f"{endpoint} is not subscribed to {topic_arn}")


def subscriptions() -> list[dict[str, Any]]:
    """Everybody who is subscribed, and how often each was asked to confirm."""
    from ministack.services import sns

    return [
        {
            "topic": topic["arn"],
            "protocol": subscription["protocol"],
            "endpoint": subscription["endpoint"],
            "confirmed": subscription["confirmed"],
            "asked": subscription.get("windlass_asked", 0),
        }
        for topic in sns._topics.values()
        for subscription in topic["subscriptions"]
    ]


def _stay_on_this_machine() -> None:
    """ministack delivers to web hooks for real; a stand-in must not send anything into the world."""
    from ministack.services import sns

    post = sns._http_post_sync

    def post_here(endpoint: str, payload: str, kind: str) -> int:
        if urllib.parse.urlsplit(endpoint).hostname not in _LOOPBACK:
            raise OSError("the local cloud sends to this machine only")
        return post(endpoint, payload, kind)

    sns._http_post_sync = post_here


def forget() -> int:
    """Drops the topics that a stack's tag is on, with their subscriptions."""
    from ministack.services import sns

    owned = [arn for arn, topic in sns._topics.items() if "windlass:stack" in topic["tags"]]
    for arn in owned:
        for subscription in sns._topics.pop(arn)["subscriptions"]:
            sns._sub_arn_to_topic.pop(subscription["arn"], None)
    return len(owned)
