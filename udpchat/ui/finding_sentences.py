"""The sentences about finding a server, and hosting one. A part of the table of `phrases`."""

from __future__ import annotations

from typing import Final

FINDING_SENTENCES: Final[dict[str, str]] = {
    # A server in the background.
    "hosting": "hosting {url}#{fingerprint} in the background (process {process}, log {log}); others on this"
    " LAN join with: {command} --nick NAME; to stop it: {stop}",
    "hosting.joined": "joining the server of this machine, {url} (process {process}); to stop it: {stop}",
    "hosting.other": "joining the server of this machine, {url}, which is not of this data folder",
    "hosting.used_last": "joining the server used last, {url}; to host one here instead: {command} --host",
    "hosting.runs": "{url} runs in the background (process {process}, log {log}); to stop it: {stop}",
    "hosting.silent": "a server runs (process {process}, log {log}), but does not answer at {url}",
    "hosting.found": "joining {name:or one} at {url}, fingerprint {fingerprint}, found by {ways:clauses}",
    "hosting.impostor": "NOT USED: {reason}",
    "hosting.gave_way": "{name:or another server} at {url} was there first: it is joined, and the one here is stopped",
    "hosting.question": "other servers answer on this LAN; what now?",
    "hosting.again": "host here again",
    "hosting.stay": "stay with the server of this machine, where nobody is",
    "hosting.close": "stop it, and join {name:or the one} at {url}, {people:count person|people} there",
    "hosting.none": "no server runs on {data}",
    "hosting.stopped": "stopped the server (process {process})",
    "failed.hosting": "cannot host: {reason}",
    "failed.hosting_silently": "cannot host: it ended without a word: see {log}",
    "failed.not_ready": "the server is not ready after {limit_s:.0f} s: see {log}",
    "failed.stopping": "cannot stop the server, process {process}: {reason}",
    "failed.still_runs": "the server, process {process}, still runs after {limit_s:.0f} s",
    # Finding a server.
    "place.named": "{url}",
    "place.used_last": "{url}, the server used last",
    "any_here": "a server on this LAN or this machine, UDP port {port}",
    "looking": "-- looking for {place}, for up to {limit_s:.0f} s ...",
    "using.used_last": "-- no server was named; using the one used last: {server}",
    "using.moved": "-- the server used last, {last}, is at {server} now, with the key that it had",
    "using.found": "-- no server was named; using {name:or one} at {url}, fingerprint {fingerprint}, found by"
    " {ways:clauses}",
    "way.used_last": "its address of last time",
    "way.this_machine": "looking at this machine",
    "way.broadcast": "broadcast",
    "way.multicast": "multicast",
    "way.mdns": "mDNS",
    "several.question": "several servers answer; which one?",
    "offer": "{name:or no name} at {url}, {people:count person|people} there, fingerprint {fingerprint}",
    "offer.found": "{name:or no name} at {url}, {people:count person|people} there, fingerprint {fingerprint}, found by"
    " {ways:clauses}",
    "offer.gone": "{name:or no name} at {url} does not answer any more",
    "impostor": "a server at {url} calls itself {name}, as the one known at {server}, but has ANOTHER KEY: known"
    " {known}, shown now {shown}; somebody may be listening in. Ask whoever runs it; if the new one is right, name"
    " it with --server, or remove the line of {server} in {path}",
    "impostor.shown": "-- NOT USED: {reason}",
    "using.this_machine": "-- no server was named; using the one found on this machine: {server}",
    "entering": "-- {url} answers; entering ...",
    "missing": "-- THE SERVER USED LAST DOES NOT ANSWER: {reason}",
    "missing.question": "what now?",
    "missing.wait": "keep trying {url}",
    "missing.found": "use {name:or one} at {url}, fingerprint {fingerprint}, found by {ways:clauses}, this time only",
    "missing.other": "use {url}, found on this machine, this time only",
    "missing.quit": "quit",
    "missing.trying": "-- trying {url} until it answers; Ctrl+C quits",
    "missing.still": "-- still trying: {reason}",
    "choice": "-- {question}",
    "choice.first": "--   {number}: {option} (or just Enter)",
    "choice.option": "--   {number}: {option}",
    "choice.again": "-- type a number from 1 to {number_max}, or just Enter for 1",
    "no_server.host": "cannot find the host {host}: {reason}; check the name, or write the address instead",
    "no_server.host_name": "cannot find the host {host}: not a host name; check the name, or write the address instead",
    "no_server.used_last": "the server used last is not there: {reason}. No other server is used in its place unasked:"
    " name one with --server HOST, or try again",
    "no_server.none_found": "no server was named or used before, and none answered on the LAN; tried {tried:clauses};"
    " start one with udpchat-server, or name one with --server HOST; udpchat doctor says why one is not found",
    "no_server.several": "several servers answer, and none was named or used before: {servers:clauses}; name one with"
    " --server",
    "no_server.none_chosen": "no server was chosen; name one with --server HOST",
    "no_server.none_on_lan": "no server answers on this LAN, UDP port {port}; name one with --server HOST",
    "no_server.given_up": "{url} was used last and does not answer; name another server with --server HOST",
    "no_server.not_let_in": "{server} answers, but did not let us in within {limit_s:.0f} s; try again later",
    "no_server.answer_other_version": "{server} speaks another version of the protocol; update whichever is older",
    "no_server.answer_refused": "nobody listens at {server}: the machine is there; start udpchat-server on it, or check"
    " the port",
    "no_server.answer_forbidden": "this machine does not let packets out to {server}; let UDP out at its own firewall",
    "no_server.answer_no_host": "no machine answers at {host}: the network reports it unreachable; check the address,"
    " and whether a firewall rejects what is sent",
    "no_server.answer_no_route": "no route to {server}: check that the network or Wi-Fi of this machine is on, and the"
    " address",
    "no_server.answer_silence": "{server} does not answer: a firewall drops what is sent, or no machine is there; check"
    " the address, and let UDP port {port} in at the server's firewall; udpchat doctor {server} says which it is",
}
