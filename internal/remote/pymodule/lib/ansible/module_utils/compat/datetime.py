# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
import datetime

UTC = datetime.timezone.utc


def utcfromtimestamp(timestamp):
    return datetime.datetime.fromtimestamp(timestamp, UTC)


def utcnow():
    return datetime.datetime.now(UTC)
