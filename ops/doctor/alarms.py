"""Check that somebody hears of the alarms."""

from collections.abc import Iterator
from typing import Any

import boto3

from ops.doctor.subject import Finding, Subject, ok, warn, wrong
from ops.stages import LIVE_STAGES

# What each topic's alarms are, by the stack's output.
TOPICS = {"AlarmTopicArn": "alarms that cannot wait", "NoticeTopicArn": "alarms that can wait"}
UNCONFIRMED = "PendingConfirmation"  # in place of the subscription's ARN (Amazon SNS API, ListSubscriptionsByTopic)


def listeners(subject: Subject) -> Iterator[Finding]:
    """Who has confirmed to be told of alarms; raises botocore's errors."""
    for output, what in TOPICS.items():
        if topic := subject.topics.get(output):
            yield _listeners(subject, what, topic)


def _listeners(subject: Subject, what: str, topic: str) -> Finding:
    found = list(_subscriptions(topic))
    confirmed = [one for one in found if one["SubscriptionArn"] != UNCONFIRMED]
    if confirmed:
        return ok(what, f"{len(confirmed)} confirmed subscriber{'' if len(confirmed) == 1 else 's'}")
    says, fix = "nobody is told of them", subject.set_parameter("AlertEmail", variables="")
    if found:
        says = f"nobody is told of them: {', '.join(one['Endpoint'] for one in found)} has not confirmed"
        fix = 'follow the link in AWS\'s mail "Subscription Confirmation"'
    return wrong(what, says, fix) if subject.stage in LIVE_STAGES else warn(what, says, fix)


def _subscriptions(topic: str) -> Iterator[dict[str, Any]]:
    pages = boto3.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    for page in pages:
        yield from page["Subscriptions"]
