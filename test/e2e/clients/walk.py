"""What every client in Python does with the API, line by line on standard output. A client's own file says how.

A client has `proxy(path, interface, name)` with methods, `get(path, interface, property)`, `connect(proxy, signal, listener)`,
`variant(signature, value)`, `describe(variant)` with its signature and value, `error(exception)` with name and text,
`Error`, `loop` and `unique_name`.
"""

import json
import subprocess
import sys
from xml.etree import ElementTree

NAME = "org.eclipse.bluechi"
ROOT = "/org/eclipse/bluechi"
METRICS_PATH = f"{ROOT}/metrics"
CONTROLLER = f"{NAME}.Controller"
NODE = f"{NAME}.Node"
JOB = f"{NAME}.Job"
MONITOR = f"{NAME}.Monitor"
METRICS = f"{NAME}.Metrics"
PROPERTIES = "org.freedesktop.DBus.Properties"
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
UNIT = "org.freedesktop.systemd1.Unit"
SERVICE = "org.freedesktop.systemd1.Service"


def say(*values):
    print(*values, flush=True)


class Program:
    def __init__(self, client):
        self.client = client
        self.heard = []

    def hear(self, what):
        def listener(*values):
            self.heard.append(" ".join([what, *map(str, values)]))
            say(self.heard[-1])
            self.client.loop.quit()

        return listener

    def wait(self, *wanted):
        """Returns once lines with these ends were heard, and forgets all that were."""
        while not all(any(line.endswith(end) for line in self.heard) for end in wanted):
            self.client.loop.run()
        self.heard.clear()

    def refused(self, call, *arguments):
        try:
            return f"not refused: {call(*arguments)}"
        except self.client.Error as error:
            return ": ".join(self.client.error(error))

    def listen(self, monitor):
        def properties_changed(node, unit, interface, properties):
            if "ActiveState" in properties:
                _, state = self.client.describe(properties["ActiveState"])
                self.hear("UnitPropertiesChanged")(node, unit, interface, state)

        for signal in ("UnitNew", "UnitRemoved", "UnitStateChanged"):
            self.client.connect(monitor, signal, self.hear(signal))
        self.client.connect(monitor, "UnitPropertiesChanged", properties_changed)

    def measured(self, signal):
        """Hears of a measurement, and says of each time whether it is one: microseconds, and not many."""
        return lambda *values: self.hear(signal)(*[value if isinstance(value, str) else value < 10**7 for value in values])

    def peer(self, path):
        """Hears what a monitor of another program tells, for as long as there is that monitor."""
        monitor = self.client.proxy(path, MONITOR)
        self.listen(monitor)
        self.client.connect(monitor, "PeerRemoved", self.hear("PeerRemoved"))
        say(self.client.unique_name)
        self.wait("monitor closed")

    def walk(self):
        proxy, get, describe = self.client.proxy, self.client.get, self.client.describe
        controller = proxy(ROOT, CONTROLLER)
        for name, path, status, _ in controller.ListNodes():
            say("node", name, path, status, get(path, NODE, "Status"))
        say("controller", get(ROOT, CONTROLLER, "Status"), get(ROOT, CONTROLLER, "LogLevel"))
        node = proxy(controller.GetNode("pi"), NODE)

        # A unit is started while a monitor is open, which another program listens to as well.
        self.client.connect(controller, "JobNew", self.hear("JobNew"))
        self.client.connect(controller, "JobRemoved", self.hear("JobRemoved"))
        say("gone", self.refused(lambda: proxy(METRICS_PATH, INTROSPECTABLE).Introspect()))
        controller.EnableMetrics()
        metrics = proxy(METRICS_PATH, METRICS)
        for signal in ("AgentJobMetrics", "StartUnitJobMetrics"):
            self.client.connect(metrics, signal, self.measured(signal))
        monitor_path = controller.CreateMonitor()
        monitor = proxy(monitor_path, MONITOR)
        self.listen(monitor)
        peer = subprocess.Popen([sys.executable, sys.argv[0], "peer", monitor_path], stdout=subprocess.PIPE, text=True)
        monitor.AddPeer(peer.stdout.readline().strip())
        subscription = monitor.SubscribeList("pi", ["walk.service", "walk-made.service"])
        self.wait("walk.service inactive dead virtual")
        say("start", node.StartUnit("walk.service", "replace"))
        self.wait("walk.service active running real", "walk.service True True")
        controller.DisableMetrics()
        say("gone", self.refused(lambda: proxy(METRICS_PATH, INTROSPECTABLE).Introspect()))

        # Its properties are read and set.
        say("state", *describe(node.GetUnitProperty("walk.service", UNIT, "ActiveState")))
        signature, [command] = describe(node.GetUnitProperties("walk.service", SERVICE)["ExecStart"])
        say("command", signature, *command[1])
        limits = {"TasksMax": 321, "MemoryHigh": 2**40}
        values = [(name, self.client.variant("t", value)) for name, value in limits.items()]
        node.SetUnitProperties("walk.service", True, values)
        for name in limits:
            say(name, *describe(node.GetUnitProperty("walk.service", SERVICE, name)))

        # A unit is made.
        properties = [
            ("Description", self.client.variant("s", "Made here")),
            ("ExecStart", self.client.variant("a(sasb)", [("/bin/sleep", ["sleep", "infinity"], False)])),
        ]
        say("made", node.StartTransientUnit("walk-made.service", "fail", properties, []))
        self.wait("walk-made.service active running real")
        say("description", *describe(node.GetUnitProperty("walk-made.service", UNIT, "Description")))
        say("stop", node.StopUnit("walk-made.service", "replace"))
        self.wait("UnitRemoved pi walk-made.service real")

        # A job is an object until it ends, a monitor until it is closed.
        path = node.StartUnit("walk-slow.service", "replace")
        say("job", *[get(path, JOB, name) for name in ("Id", "Node", "Unit", "JobType")], path)
        job = proxy(path, JOB)
        job.Cancel()
        self.wait("walk-slow.service canceled")
        say("gone", self.refused(job.Cancel))
        say("gone", self.refused(get, path, JOB, "State"))
        monitor.Unsubscribe(subscription)
        say("stop", node.StopUnit("walk.service", "replace"))
        self.wait("walk.service done")
        monitor.Close()
        say("gone", self.refused(lambda: monitor.Subscribe("pi", "*")))
        say("gone", self.refused(lambda: proxy(monitor_path, MONITOR).Close()))
        for line in peer.communicate()[0].splitlines():
            say("peer", line)

    def watch(self):
        """Tells what becomes of a node and of the controller, and what of proxies is left when the controller was away."""
        controller = self.client.proxy(ROOT, CONTROLLER)
        path = controller.GetNode("pi")
        monitor = self.client.proxy(controller.CreateMonitor(), MONITOR)
        for name, place in (("pi", path), ("controller", ROOT)):
            listener = self.changed(name)
            self.client.connect(self.client.proxy(place, PROPERTIES), "PropertiesChanged", listener)
        say("watching")
        self.wait("pi offline")
        self.wait("pi online")
        self.wait("controller down")
        self.wait("pi online")
        say("status", self.client.get(path, NODE, "Status"), controller.GetNode("pi"))
        say("gone", self.refused(lambda: monitor.Subscribe("pi", "*")))

    def changed(self, name):
        def listener(interface, changed, invalidated):
            for value in [changed[key] for key in changed if key == "Status"]:
                self.hear(name)(self.client.describe(value)[1], *invalidated)

        return listener

    def refusals(self, calls):
        """What each of these calls is refused with: path, interface, method, arguments."""
        for path, interface, method, arguments in json.loads(calls):
            say(self.refused(lambda: getattr(self.client.proxy(path, interface), method)(*arguments)))

    def properties(self, name, interface, *paths):
        """Each property that introspection tells of, its type, who reads it, and what becomes of setting it."""
        for path in paths:
            document = self.client.proxy(path, INTROSPECTABLE, name).Introspect()
            standard = self.client.proxy(path, PROPERTIES, name)
            listed = standard.GetAll(interface)
            for found in ElementTree.fromstring(document).findall(f"interface[@name='{interface}']/property"):
                member = found.get("name")
                signature, value = self.client.describe(standard.Get(interface, member))
                getter = "GetAll" if member in listed else "Get"
                same = self.client.variant(signature, value)
                say(path, member, signature, getter, self.refused(standard.Set, interface, member, same))


def main(client):
    getattr(Program(client), sys.argv[1])(*sys.argv[2:])
