"""JSON for callbacks."""
import json


def jsonify(result, format=False):
    if result is None:
        return '{}'
    return json.dumps(result, sort_keys=True, indent=4 if format else None, ensure_ascii=False)
