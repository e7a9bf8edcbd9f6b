#!/usr/bin/python3
"""One computer behind a Redfish service, with basic authentication. Arguments: port, user:password, certificate."""
import base64
import http.server
import json
import ssl
import sys

POWER = {"state": "On"}
ALLOWED = "Basic " + base64.b64encode(sys.argv[2].encode()).decode()
SYSTEM = "/redfish/v1/Systems/1"
RESET = SYSTEM + "/Actions/ComputerSystem.Reset"


class Service(http.server.BaseHTTPRequestHandler):
    def answer(self, code, body):
        text = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def allowed(self):
        if self.path.rstrip("/") == "/redfish/v1" or self.headers.get("Authorization") == ALLOWED:
            return True
        self.answer(401, {"error": {}})
        return False

    def do_GET(self):
        if not self.allowed():
            return
        pages = {
            "/redfish/v1": {"Systems": {"@odata.id": "/redfish/v1/Systems"}},
            "/redfish/v1/Systems": {"Members": [{"@odata.id": SYSTEM}]},
            SYSTEM: {
                "PowerState": POWER["state"],
                "Actions": {
                    "#ComputerSystem.Reset": {
                        "target": RESET,
                        "ResetType@Redfish.AllowableValues": ["On", "ForceOff"],
                    }
                },
            },
        }
        page = pages.get(self.path.rstrip("/"))
        self.answer(200, page) if page else self.answer(404, {"error": {}})

    def do_POST(self):
        if not self.allowed():
            return
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        wanted = {"On": "On", "ForceOff": "Off"}.get(body.get("ResetType"))
        if self.path.rstrip("/") != RESET or wanted is None:
            self.answer(400, {"error": {}})
            return
        POWER["state"] = wanted
        self.answer(200, {})

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Service)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[3])
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
