"""JSON-RPC servers are not offered."""


class JsonRpcServer:
    """Answers nothing."""

    def handle_request(self, request):
        return None

    def register(self, obj):
        pass
