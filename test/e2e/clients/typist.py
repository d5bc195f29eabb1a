"""Runs a shell script as a user on a terminal of its own, and does something when it is asked for a password.

typist.py USER SCRIPT [ANSWER]: what the shell command ANSWER, run as root, prints is typed. All that the terminal shows
goes to standard output.
"""

import os
import pty
import subprocess
import sys
import termios
import time

user, script, *answers = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    # su(1) makes a session of systemd-logind's, as a login does: polkit asks nobody by an agent of a terminal otherwise.
    os.execvp("su", ["su", "--shell=/bin/sh", f"--session-command={script}", user])


def echoes():
    return termios.tcgetattr(terminal)[3] & termios.ECHO


shown = b""
while True:
    try:
        data = os.read(terminal, 4096)
    except OSError:
        # Linux says so at the end.
        break
    if not data:
        break
    os.write(1, data)
    shown += data
    if answers and b"Password: " in shown:
        # What is typed before echo is off is thrown away, and a terminal tells nobody when that is.
        while echoes():
            time.sleep(0.01)
        os.write(terminal, subprocess.check_output(answers.pop(0), shell=True))
os.waitpid(child, 0)
