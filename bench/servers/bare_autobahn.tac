"""A bare Autobahn server under twistd: what every server on Twisted and Autobahn starts with."""

import os

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.application.internet import StreamServerEndpointService
from twisted.application.service import Application
from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString

factory = WebSocketServerFactory()
factory.protocol = WebSocketServerProtocol
endpoint = serverFromString(reactor, f"tcp:{os.environ['BENCH_PORT']}:interface=127.0.0.1")
application = Application("bare")
StreamServerEndpointService(endpoint, factory).setServiceParent(application)
