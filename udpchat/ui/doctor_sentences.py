"""The sentences of a doctor: what was seen, and what to do. A part of the table of `phrases`."""

from __future__ import annotations

from typing import Final

DOCTOR_SENTENCES: Final[dict[str, str]] = {
    "doctor.can_chat": "one can chat with {server}",
    "doctor.cannot_chat": "one cannot chat{server:if  with %s} as it is; what FAILED says why",
    "doctor.serving": "the server on {data} serves",
    "doctor.not_serving": "the server on {data} cannot serve others as it is; what FAILED says why",
    "report.ok": "ok",
    "report.failed": "FAILED",
    "report.untried": "-",
    "report.to_do": "to do: {advice}",
    "doctor.unresolved": "{server} is the name of no host",
    "doctor.untried": "not known: the system does not say",
    "doctor.untried.server": "not tried: no server answered",
    "doctor.untried.probes": "not tried: the server answers no probes (it is older, or runs with --discoverable no)",
    # This machine.
    "doctor.address": "this machine is {networks:list}",
    "doctor.address.none": "this machine has no address that others can reach",
    "doctor.address.mask": "{host} answers from the same cable or Wi-Fi, but is in none of the networks of this"
    " machine ({networks:list}): one of the two has a wrong address or mask",
    "doctor.address.no_route": "{host} is in none of the networks of this machine ({networks:list}), and no router"
    " leads there: the address or mask of this machine is wrong, or that of the server",
    "doctor.interfaces": "interfaces: {names:list}{others:if ; of a VPN, containers or virtual machines: %s}",
    "doctor.interfaces.none": "no interface has an address",
    "doctor.interfaces.detour": "{host} is in the network of {holder}, but what is sent there leaves by {used}",
    "doctor.buffers": "the system grants a receive buffer of {bytes:,} bytes; nothing was lost for want of room",
    "doctor.buffers.small": "the system grants a receive buffer of {bytes:,} bytes only: bursts of messages are lost",
    "doctor.buffers.overrun": "{overruns:count datagram} reached this machine and {overruns:was|were} lost for want of"
    " room in a receive buffer",
    # The ways to all.
    "doctor.broadcast": "a broadcast is answered",
    "doctor.broadcast.untried": "not known: no server in a network of this machine answers probes",
    "doctor.broadcast.silence": "the server is in a network of this machine and answers, but to no broadcast: a"
    " firewall, a switch or a Wi-Fi access point drops those. It is not found by itself",
    "doctor.broadcast.firewalled": "the answers to broadcasts come in, and the firewall of this machine drops them:"
    " the server is not found by itself",
    "doctor.multicast": "an IPv6 multicast is answered",
    "doctor.multicast.untried": "not known: no server in a network of this machine is known to have IPv6",
    "doctor.multicast.silence": "the server has IPv6 and answers, but to no multicast: a firewall, a switch or a Wi-Fi"
    " access point drops those",
    "doctor.mdns": "servers are found by mDNS",
    "doctor.mdns.none": "nothing is found by mDNS, which both ends need the library zeroconf for",
    # Whether anything answers.
    "doctor.reach": "{server} answers",
    "doctor.reach.silence": "no server answers at {server}{others:if ; servers that do answer: %s}",
    "doctor.reach.nobody": "no server is known, and none was found{host:if ; %s}",
    "doctor.firewall": "no firewall is in the way",
    "doctor.firewall.untried": "not known: no machine is there that a firewall could guard",
    "doctor.firewall.forbidden": "the firewall of this machine does not let the packets out",
    "doctor.firewall.own": "{packets:count packet} came in and {packets:was|were} given to no program: the firewall of"
    " this machine drops what the server answers",
    "doctor.firewall.silence": "{host} is there, and its firewall drops what comes by UDP",
    "doctor.firewall.far": "nothing comes from {host}, which is in another network: a firewall there or on the way"
    " drops the packets, or the machine is off",
    "doctor.firewall.rejects": "the machine {host} is there and reports that it may not be reached: its firewall"
    " rejects the packets",
    "doctor.refused": "it is not refused",
    "doctor.refused.untried": "not known: nothing came back",
    "doctor.refused.nobody": "{host} reports that nobody listens at UDP port {port}",
    "doctor.refused.other_port": "{host} reports that nobody listens at UDP port {port}; a server there has port"
    " {other}",
    "doctor.isolation": "machines of this network reach each other",
    "doctor.isolation.others": "other machines of this network answer",
    "doctor.isolation.untried": "not known: the server is in no network of this machine, or the system does not say"
    " who is there",
    "doctor.isolation.alone": "not known: of this network, only the router answers",
    "doctor.isolation.router_only": "of this network only the router answers, {host} and all other machines do not: it"
    " keeps its machines apart, as the Wi-Fi of guests does, or the server's machine is off",
    # How good the path is.
    "doctor.mtu": "datagrams of {bytes:,} bytes pass",
    "doctor.mtu.fragments": "datagrams of {needed:,} bytes pass in fragments; in one piece, {bytes:or fewer than 512}"
    " bytes do",
    "doctor.mtu.narrow": "datagrams of more than {bytes:or 511} bytes are lost, also in fragments; a chat needs"
    " {needed:,}",
    "doctor.loss": "{lost} of {sent} probes were lost: {there} on the way there, {back} on the way back",
    "doctor.loss.none": "none of {sent} probes was lost",
    "doctor.loss.much": "{percent:.0f} % of {sent} probes were lost: {there} on the way there, {back} on the way back."
    " Messages arrive all the same, later",
    "doctor.reordering": "of {answered} probes {there} were overtaken by later ones on the way there, {back} answers"
    " on the way back",
    "doctor.reordering.much": "of {answered} probes {there} were overtaken by later ones on the way there, and {back}"
    " answers on the way back. Messages are put in order again",
    "doctor.round_trip": "an answer takes {milliseconds:g} ms",
    "doctor.round_trip.long": "an answer takes {milliseconds:.0f} ms, very long for a LAN",
    # The server itself.
    "doctor.clock": "the clocks agree",
    "doctor.clock.apart": "the clock of the server is {seconds:duration} {side} of the one here: times of messages"
    " look wrong",
    "doctor.version": "both ends speak version {version} of the protocol",
    "doctor.version.other": "the server speaks {theirs:or another} version of the protocol, this client version {ours}",
    "doctor.key.first": "the server showed the key {shown}; none is known for this address yet",
    "doctor.key.known": "the server has the key {shown}, as before",
    "doctor.key.other": "the server has the key {shown}, and {known} is known for it: it was set up anew, or is"
    " another one that pretends to be it",
    # The server's own side.
    "doctor.reach.none_here": "no server runs on {data}",
    "doctor.firewall.server": "whether the firewall of this machine lets others in, no program may ask; if it has to"
    " be told: {command}",
    "doctor.loss.server": "dropped since the start: {drops:list nothing}",
    "doctor.broadcast.server": "the server is found; it has answered {probes:count probe} since its start",
    "doctor.buffers.server": "the sockets of the server have lost {overruns:count datagram} for want of room since the"
    " start",
    # What to do.
    "advice.connect": "connect this machine to the network: a cable, the Wi-Fi, or an address from its DHCP",
    "advice.mask_linux": "compare address and mask of both machines: ip address",
    "advice.mask_unix": "compare address and mask of both machines: ifconfig",
    "advice.mask_windows": "compare address and mask of both machines: ipconfig",
    "advice.detour": "leave the VPN or remove the route by {used}, or let the VPN spare the local network",
    "advice.name": "name the server once: udpchat-client --server HOST, with what it says behind ready",
    "advice.start_or_name": "start one with udpchat-server, on any machine of the LAN; or name it: udpchat doctor HOST",
    "advice.start": "start udpchat-server there, or name the port that it says behind ready",
    "advice.start_here": "start it: udpchat-server, or choose its folder with --data",
    "advice.rejected": "if it runs there, a firewall refuses in its place: udpchat-server doctor there says what to do",
    "advice.server_doctor": "on the server's machine: udpchat-server doctor",
    "advice.at_server": "let UDP port {port} in there; on a system like this one: {command}",
    "advice.port": "name the port: --server HOST:{port}",
    "advice.isolation": "switch off client isolation (AP isolation, guest mode) at the access point, or take another"
    " network or a cable",
    "advice.mtu": "have the router or VPN on the way take packets of at least 1,228 bytes, or pass fragments",
    "advice.loss": "go nearer to the access point, take the 5 GHz band or a cable, and look for what fills the network",
    "advice.reordering": "look for a link that sends by several ways at once: bonded cables, a mesh, a VPN",
    "advice.clock": "set the clocks by the network: timedatectl set-ntp true, or the settings of the system",
    "advice.buffers": "as root: sysctl -w net.core.rmem_max=4194304, in /etc/sysctl.d for good; then start it anew. If"
    " it goes on, the machine is too slow for what comes in",
    "advice.update_here": "install the newer version on this machine",
    "advice.update_there": "install the same version on the server",
    "advice.key": "ask who runs the server for its fingerprint. If it is the new one, delete the line of {server} from"
    " the file known_servers in the data folder",
    # The exact command, by the firewall of this machine.
    "let_requests.ufw": "sudo ufw allow {port}/udp",
    "let_requests.firewalld": "sudo firewall-cmd --permanent --add-port={port}/udp && sudo firewall-cmd --reload",
    "let_requests.nft": "sudo nft insert rule inet filter input udp dport {port} accept",
    "let_requests.iptables": "sudo iptables -I INPUT -p udp --dport {port} -j ACCEPT",
    "let_requests.windows": "New-NetFirewallRule -DisplayName udpchat -Direction Inbound -Protocol UDP -LocalPort"
    " {port} -Action Allow",
    "let_requests.macos": 'sudo /usr/libexec/ApplicationFirewall/socketfilterfw --unblockapp "$(command -v python3)"',
    "let_requests.pf": "echo 'pass in proto udp to port {port}' | sudo pfctl -a udpchat -f -",
    "let_replies.ufw": "sudo ufw allow proto udp from any port {port}",
    "let_replies.firewalld": "sudo firewall-cmd --permanent --add-source-port={port}/udp && sudo firewall-cmd --reload",
    "let_replies.nft": "sudo nft insert rule inet filter input udp sport {port} accept",
    "let_replies.iptables": "sudo iptables -I INPUT -p udp --sport {port} -j ACCEPT",
    "let_replies.windows": "New-NetFirewallRule -DisplayName udpchat -Direction Inbound -Protocol UDP -RemotePort"
    " {port} -Action Allow",
    "let_replies.macos": 'sudo /usr/libexec/ApplicationFirewall/socketfilterfw --unblockapp "$(command -v python3)"',
    "let_replies.pf": "echo 'pass in proto udp from any port {port}' | sudo pfctl -a udpchat -f -",
    "let_out.ufw": "sudo ufw allow out {port}/udp",
    "let_out.firewalld": "sudo firewall-cmd --direct --add-rule ipv4 filter OUTPUT 0 -p udp --dport {port} -j ACCEPT",
    "let_out.nft": "sudo nft insert rule inet filter output udp dport {port} accept",
    "let_out.iptables": "sudo iptables -I OUTPUT -p udp --dport {port} -j ACCEPT",
    "let_out.windows": "New-NetFirewallRule -DisplayName udpchat -Direction Outbound -Protocol UDP -RemotePort {port}"
    " -Action Allow",
    "let_out.macos": "echo 'pass out proto udp to port {port}' | sudo pfctl -a udpchat -f -",
    "let_out.pf": "echo 'pass out proto udp to port {port}' | sudo pfctl -a udpchat -f -",
}
