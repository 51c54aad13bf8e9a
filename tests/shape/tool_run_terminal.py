# SPDX-License-Identifier: MIT
"""V83, V84: `reprise run` on a terminal: kind and size of the output, keys, jobs of a shell, and the end of the terminal.

Usage: tool_run_terminal.py PROGRAM SCRATCH
A process in a session of its own is the shell: it runs the program as a job, and tells its states.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
import tty

program, scratch = sys.argv[1], sys.argv[2]
bad = 0
SECONDS = 40


def fail(text):
    global bad
    bad = 1
    print("tool:", text)


def set_size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def be_shell(end, arguments, states, orders):
    """In the child: the job has the terminal, and its states go to a pipe."""
    os.setsid()
    fcntl.ioctl(end, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(end, fd)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpgrp())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execv(program, [program, "run", *arguments])
    os.write(states, f"job {job}\n".encode())
    while True:
        _, status = os.waitpid(job, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            break
        os.write(states, f"stopped by {os.WSTOPSIG(status)}\n".encode())
        os.read(orders, 1)
        os.tcsetpgrp(0, job)
        os.killpg(job, signal.SIGCONT)
    os.write(states, f"ended {os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


class Terminal:
    def __init__(self, *arguments, leader=False, raw=False):
        self.fd, end = pty.openpty()
        set_size(self.fd, 33, 111)
        if raw:
            tty.setraw(end)
        self.states, states = os.pipe()
        orders, self.orders = os.pipe()
        self.output, self.said = b"", b""
        self.leader = leader
        self.process = os.fork()
        if self.process == 0:
            os.close(self.fd)
            if not leader:
                be_shell(end, arguments, states, orders)
            os.setsid()
            fcntl.ioctl(end, termios.TIOCSCTTY, 0)
            for fd in (0, 1, 2):
                os.dup2(end, fd)
            os.execv(program, [program, "run", *arguments])
        for fd in (end, states, orders):
            os.close(fd)

    def take(self, seconds):
        ready, _, _ = select.select([fd for fd in (self.fd, self.states) if fd >= 0], [], [], seconds)
        for fd in ready:
            try:
                data = os.read(fd, 65536)
            except OSError:
                data = b""  # the other end of a terminal is closed
            if fd == self.states:
                self.said += data
                if not data:
                    self.states = -1
            elif data:
                self.output += data
            else:
                time.sleep(0.01)

    def until(self, condition, what):
        end = time.monotonic() + SECONDS
        while not condition():
            if time.monotonic() > end:
                fail(f"{what} does not come; output {self.output[-300:]!r}, states {self.said!r}")
                return False
            self.take(0.1)
        return True

    def prints(self, text):
        return self.until(lambda: text.encode() in self.output, text)

    def says(self, text):
        return self.until(lambda: text.encode() in self.said, text)

    def close(self):
        for fd in (self.fd, self.states, self.orders):
            if fd >= 0:
                os.close(fd)
        job = re.search(rb"job (\d+)", self.said)
        if job and b"ended" not in self.said:
            os.killpg(int(job[1]), signal.SIGKILL)
        if self.leader and not self.is_over():
            os.killpg(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)

    def is_over(self):
        """Leaves the process to os.waitpid."""
        return os.waitid(os.P_PID, self.process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def state_of(process):
    with open(f"/proc/{process}/stat", encoding="ascii") as file:
        return file.read().rsplit(")", 1)[1].split()[0]


# Signals are held back and taken one by one: a handler would take two for one.
COUNTER = """
import os, signal, sys
held = {signal.SIGINT, signal.SIGQUIT, signal.SIGWINCH, signal.SIGUSR1}
signal.pthread_sigmask(signal.SIG_BLOCK, held)
print("ready", os.getpid(), flush=True)
counts = dict.fromkeys(held, 0)
while not os.path.exists(sys.argv[1]):
    news = signal.sigtimedwait(held, 0.05)
    if news and news.si_signo in held:  # behind a stop the call may answer nonsense
        number = signal.Signals(news.si_signo)
        counts[number] += 1
        print(number.name, counts[number], *os.get_terminal_size(1), flush=True)
print("count", *sorted(count for count in counts.values() if count), flush=True)
"""


def stop_file(name):
    return os.path.join(scratch, name)


def touch(name):
    with open(stop_file(name), "w", encoding="ascii"):
        pass


def test_kind_and_size():
    terminal = Terminal("--quiet", "--", "sh", "-c", "test -t 0 && test -t 1 && stty size <&1; stty size")
    terminal.says("ended 0")
    terminal.prints("33 111\r\n33 111\r\n")
    terminal.close()
    terminal = Terminal("--quiet", "--pipe", "--", "sh", "-c", "test -t 1 || echo a pipe")
    terminal.says("ended 0")
    terminal.prints("a pipe\r\n")
    terminal.close()


def test_resize():
    terminal = Terminal("--quiet", "--", sys.executable, "-c", COUNTER, stop_file("resize"))
    if terminal.prints("ready"):
        set_size(terminal.fd, 44, 122)
        terminal.prints(" 122 44")
    touch("resize")
    terminal.says("ended 0")
    terminal.close()


def test_bytes():
    """The pseudo terminal of the command changes nothing; this terminal is raw, and changes nothing either."""
    data = bytes(range(256)) * 200
    terminal = Terminal("--quiet", "--", sys.executable, "-c",
                        "import sys; sys.stdout.buffer.write(bytes(range(256)) * 200)", raw=True)
    terminal.says("ended 0")
    terminal.until(lambda: len(terminal.output) >= len(data), "the whole output")
    if terminal.output != data:
        fail("the bytes are others on a terminal")
    terminal.close()


def test_key(key, name):
    """A key is told once: by the terminal, and not by the program as well."""
    terminal = Terminal("--quiet", "--", sys.executable, "-c", COUNTER, stop_file(name))
    if terminal.prints("ready"):
        for count in (1, 2, 3):
            os.write(terminal.fd, key)
            terminal.prints(f"{name} {count} ")
    touch(name)
    terminal.prints("count 3\r\n")
    terminal.says("ended 0")
    terminal.close()


GROUP = """
import os, signal
held = {signal.SIGUSR1, signal.SIGUSR2}
signal.pthread_sigmask(signal.SIG_BLOCK, held)
os.killpg(0, signal.SIGUSR1)
print("first", signal.Signals(signal.sigwaitinfo(held).si_signo).name, flush=True)
print("second", signal.Signals(signal.sigwaitinfo(held).si_signo).name, flush=True)
"""


def test_own_signal():
    """A command that signals its group has the signal once. SIGUSR2 comes behind what the program sends on before."""
    terminal = Terminal("--quiet", "--", sys.executable, "-c", GROUP)
    if terminal.prints("first SIGUSR1\r\n"):
        os.kill(int(re.search(rb"job (\d+)", terminal.said)[1]), signal.SIGUSR2)
    terminal.prints("second SIGUSR2\r\n")
    terminal.says("ended 0")
    terminal.close()


def test_death_by_key():
    terminal = Terminal("--quiet", "--", sys.executable, "-c",
                        "import signal, time; signal.signal(2, signal.SIG_DFL); print('ready', flush=True); time.sleep(100)")
    if terminal.prints("ready"):
        os.write(terminal.fd, b"\x03")
    terminal.says("ended -2")
    terminal.close()


def test_job():
    """Ctrl-Z stops both, and the shell takes the program's stop; both go on. Twice."""
    terminal = Terminal("--quiet", "--", sys.executable, "-c", COUNTER, stop_file("job"))
    if not terminal.until(lambda: re.search(rb"ready \d+\r\n", terminal.output), "the command"):
        return
    command = int(re.search(rb"ready (\d+)", terminal.output)[1])
    job = int(re.search(rb"job (\d+)", terminal.said)[1])
    for _ in range(2):
        terminal.said = b""
        os.write(terminal.fd, b"\x1a")
        terminal.says(f"stopped by {int(signal.SIGTSTP)}")
        if state_of(command) != "T" or state_of(job) != "T":
            fail(f"Ctrl-Z leaves the states {state_of(command)} and {state_of(job)}")
        os.write(terminal.orders, b"f")
        terminal.until(lambda: state_of(command) != "T" and state_of(job) != "T", "the time after a stop")
    touch("job")
    terminal.prints("count\r\n")
    terminal.says("ended 0")
    terminal.said = b"job %d ended" % job
    terminal.close()


def test_ignored_stop():
    """A command that ignores Ctrl-Z goes on, and so does the program."""
    terminal = Terminal("--quiet", "--", "sh", "-c", "trap '' TSTP; echo ready; read line; echo got $line")
    if terminal.prints("ready"):
        os.write(terminal.fd, b"\x1a")
        os.write(terminal.fd, b"word\n")
        terminal.prints("got word")
    terminal.says("ended 0")
    terminal.close()


def test_hangup():
    """The terminal goes away: the leader of the session alone is told, and tells the command."""
    terminal = Terminal("--quiet", "--", "sh", "-c",
                        f"trap 'echo told >{stop_file('hangup')}; exit 0' HUP; echo ready; while :; do sleep 0.05; done",
                        leader=True)
    terminal.prints("ready")
    os.close(terminal.fd)
    terminal.fd = -1
    terminal.until(lambda: os.path.exists(stop_file("hangup")), "SIGHUP")
    terminal.until(terminal.is_over, "the end of the program")
    terminal.close()


def test_stream_on_terminal():
    """With the line of the address, and a partial line at once."""
    terminal = Terminal("--session", "s/ä", "--", "sh", "-c", "printf 'name: '; read name; echo hello $name")
    if terminal.prints("name: "):
        os.write(terminal.fd, b"you\n")
        terminal.prints("hello you\r\n")
    if not re.search(rb"^reprise: session s/\xc3\xa4 at http://127.0.0.1:\d+/#/s/s%2F%C3%A4\r\n", terminal.output):
        fail(f"the first line is {terminal.output!r}")
    terminal.says("ended 0")
    terminal.close()


test_kind_and_size()
test_resize()
test_bytes()
test_key(b"\x03", "SIGINT")
test_key(b"\x1c", "SIGQUIT")
test_own_signal()
test_death_by_key()
test_job()
test_ignored_stop()
test_hangup()
test_stream_on_terminal()
sys.exit(bad)
