"""The sentences of the commands of an operator. A part of the table of `phrases`."""

from __future__ import annotations

from typing import Final

OPERATOR_SENTENCES: Final[dict[str, str]] = {
    "usage.account": "account {do} needs the nick of whose account it is",
    "usage.account_list": "account list takes no nick",
    "operate.not_entered": "-",
    "operate.peer": "here for {here_s:duration}, silent for {silent_s:duration}, in {rooms:count room}",
    "operate.nobody": "nobody is here",
    "operate.kicked": "{nick} is kicked: their sessions have ended",
    "operate.banned": "{subject} is banned {length:or for good}",
    "operate.muted": "{subject} is muted {length:or for good}",
    "operate.unbanned": "{subject} is not banned any more",
    "operate.unmuted": "{subject} is not muted any more",
    "operate.announced": "announced to everybody who is here",
    "operate.sanction": "since {time}{until:if  until %s}, by {by}{reason:if : %s}",
    "operate.no_sanctions": "nobody is banned or muted",
    "operate.act": "{time} {by}: {action}{subject:if  %s}{room:if  in %s}{detail:if  (%s)}{reason:if : %s}",
    "operate.no_acts": "nothing was done",
    "operate.role_set": "{nick} is {role} now",
    "operate.account": "{devices:count device}, no password, last used {used:or long ago}, key {fingerprint}",
    "operate.account_password": "{devices:count device}, a password, last used {used:or long ago}, key {fingerprint}",
    "operate.device": "  key {fingerprint}{added:if , added %s}{revoked:if , revoked %s}",
    "operate.device_here": "  key {fingerprint}{added:if , added %s}{revoked:if , revoked %s}, here now",
    "operate.no_accounts": "nobody has a nick yet",
    "operate.reset": "with this code {nick} enters once, on any device: udpchat-client --nick {nick} --link CODE; their"
    " devices and password until now are not valid any more",
    "operate.removed": "the account of {nick} is removed; what they said stays",
    "operate.invited": "with this code somebody enters once{nick:if  as %s}: udpchat-client --link CODE",
    "operate.erased": "the account of {nick} is removed, and {messages:count message} in {logs:count room or"
    " conversation|rooms or conversations}, and {lines:count line} of the activity log; what others have on their"
    " machines is not",
    "operate.half_erased": "the account of {nick} is removed, but not yet all that they said: {reason}; the next start"
    " of the server goes on",
    "operate.reloaded": "the config was read again; changed: {names:list nothing}",
    "operate.restart": "these settings hold from the next start on: {names:list}",
    "operate.not_reloaded": "nothing was changed: {reason}",
    "operate.stopped": "the server has stopped",
    "failed.no_server_here": "no server has ever run on {data}; choose its folder with --data",
    "failed.unwritable": "the server cannot store anything, so nothing was done: {reason}",
    "failed.not_running": "no server runs on {data}; start it, or choose its folder with --data",
    "failed.no_address": "the server on {data} has not said where it listens; is it just starting, or older? Or does"
    " another command take long there?",
    "failed.no_answer": "the server at {server} does not let its operator in within {limit_s:.0f} s; see its log",
    "failed.stopped_meanwhile": "the server at {server} stopped answering before this was done",
    "failed.still_running": "the server on {data} still runs after {limit_s:.0f} s",
    "failed.other_server": "what answers there is another server: it shows {shown}, the data folder has the key of"
    " {wanted}; nothing was done",
}
