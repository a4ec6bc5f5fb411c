"""What users have today: keepalived and a Mosquitto on each box, which know nothing of each other.

keepalived as fast as it can be had: advertisements every 0.1 s, and a track_file that systemd writes when Mosquitto is
ready (0) and when it has ended (-254).
"""
import os
import re
import subprocess
import tempfile

import boxes
import lab as network
from lab import until

MOSQUITTO = """listener 1883 0.0.0.0
allow_anonymous true
persistence true
persistence_location {folder}/
log_dest stderr
user root
"""

KEEPALIVED = """global_defs {{
    router_id {name}
}}
track_file broker {{
    file {folder}/vrrp.weight
    weight 1
    init_file -254
}}
vrrp_instance VI_1 {{
    state BACKUP
    nopreempt
    interface lan
    virtual_router_id 51
    priority {priority}
    version 3
    advert_int 0.1
    unicast_src_ip {own}
    unicast_peer {{
        {peer}
    }}
    virtual_ipaddress {{
        {vip}/24 dev lan
    }}
    track_file {{
        broker
    }}
}}
"""


class MosquittoBox(boxes.InstalledBox):
    def __init__(self, pair, name, peer, priority):
        super().__init__(pair, name)
        self.write("mosquitto.conf", MOSQUITTO.format(folder=self.folder))
        self.write("keepalived.conf", KEEPALIVED.format(name=name, folder=self.folder, priority=priority, vip=network.VIP,
                                                        own=network.LAN[name], peer=network.LAN[peer]))
        self.broker = boxes.Service(self.lab, name, [pair.program, "-c", self.path("mosquitto.conf")],
                                    self.path("mosquitto.log"), self.weight_to_fault, 0.2)
        self.broker.start_post = lambda: self.write("vrrp.weight", "0\n")

    def keepalived_state(self):
        """The last one that its journal tells; None before the first."""
        if not os.path.exists(self.path("keepalived.log")):
            return None
        with open(self.path("keepalived.log"), encoding="utf-8", errors="replace") as journal:
            states = re.findall(r"Entering (\w+) STATE", journal.read())
        return states[-1] if states else None


class MosquittoPair(boxes.BoxPair):
    """As boxes.Pair, as far as a comparison needs it."""

    def __init__(self, lab, root):
        self.lab = lab
        self.program = subprocess.run([os.path.join(root, "etc/dev/mosquitto.sh")], check=True, capture_output=True,
                                      text=True).stdout.strip()
        self.folder = tempfile.mkdtemp(prefix="mosquitto-lab-")
        self.boxes = [MosquittoBox(self, "boxa", "boxb", 110), MosquittoBox(self, "boxb", "boxa", 100)]

    def await_protected(self):
        """One box has the virtual IP, the other one is ready to take it."""
        def active():
            states = [box.keepalived_state() for box in self.boxes]
            if sorted(states, key=str) != ["BACKUP", "MASTER"]:
                return None
            box = self.boxes[states.index("MASTER")]
            return box if self.lab.vip_holders() == [box.name] else None
        return until(active, "the virtual IP on one box, and the other one ready")
